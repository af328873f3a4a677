#!/bin/sh
# The node listens on the pod's address alone, which is known only now.
set -eu
address=$(hostname -i | cut -d' ' -f1)
data=${CASSANDRA_DATA:-/var/lib/scylla}
sed "s|ADDRESS|$address|g; s|DATA|$data|g" /opt/cassandra/conf/cassandra.yaml >/tmp/cassandra.yaml
exec java ${CASSANDRA_HEAP:--Xms128m -Xmx1G} -XX:+UseG1GC -Xss512k -XX:+ExitOnOutOfMemoryError @/opt/cassandra/conf/jvm.options \
    -Dcassandra.config=file:///tmp/cassandra.yaml -Dcassandra.storagedir="$data" \
    -Dlogback.configurationFile=/opt/cassandra/conf/logback.xml -Dcassandra-foreground=yes -Dcassandra.jmx.local.port=7199 \
    -Dcassandra.ring_delay_ms=0 -Dcassandra.skip_wait_for_gossip_to_settle=0 -Dcassandra.superuser_setup_delay_ms=0 \
    -Dcassandra.memtable_row_overhead_computation_step=100 -Djava.io.tmpdir=/tmp -Djna.tmpdir=/tmp \
    -cp '/opt/cassandra/lib/*' org.apache.cassandra.service.CassandraDaemon
