// An independent load on a CQL store: the Java driver that Cassandra's own jars carry, the same table and row shape as
// the writer's. `java -cp 'lib/*' Bench.java HOST PORT ROWS ROWS_A_BATCH IN_FLIGHT` prints rows a second.
import com.datastax.driver.core.*;
import java.util.*;
import java.util.concurrent.*;

public class Bench {
    static final long BEGIN = 1_738_324_800_000_000L, STEP = 10_007;

    public static void main(String[] args) throws Exception {
        int rows = Integer.parseInt(args[2]), rowsABatch = Integer.parseInt(args[3]), inFlight = Integer.parseInt(args[4]);
        PoolingOptions pools = new PoolingOptions().setMaxRequestsPerConnection(HostDistance.LOCAL, 2048);
        try (Cluster cluster = Cluster.builder().addContactPoint(args[0]).withPort(Integer.parseInt(args[1]))
                .withPoolingOptions(pools).withoutJMXReporting().build();
             Session session = cluster.connect("beamline")) {
            List<ColumnMetadata> columns = cluster.getMetadata().getKeyspace("beamline").getTable("particle_events").getColumns();
            StringJoiner names = new StringJoiner(", "), marks = new StringJoiner(", ");
            columns.forEach(column -> { names.add("\"" + column.getName() + "\""); marks.add("?"); });
            PreparedStatement insert = session.prepare("INSERT INTO particle_events (" + names + ") VALUES (" + marks + ") USING TIMESTAMP ?");
            // Warm, then measured.
            load(session, insert, columns, rows / 10, rowsABatch, inFlight, 1_000_000_000L);
            long begin = System.nanoTime();
            load(session, insert, columns, rows, rowsABatch, inFlight, 0);
            System.out.printf("%d%n", Math.round(rows / ((System.nanoTime() - begin) / 1e9)));
        }
    }

    static void load(Session session, PreparedStatement insert, List<ColumnMetadata> columns, int rows, int rowsABatch,
            int inFlight, long offset) throws Exception {
        Semaphore free = new Semaphore(inFlight);
        Map<String, BatchStatement> open = new HashMap<>();
        for (int number = 0; number < rows; number++) {
            BoundStatement row = bind(insert, columns, number, offset);
            if (rowsABatch == 1) {
                send(session, row, free);
                continue;
            }
            long hour = (BEGIN + number * STEP) / 3_600_000_000L;
            String partition = number % 23 + "/" + hour;
            BatchStatement batch = open.computeIfAbsent(partition, any -> new BatchStatement(BatchStatement.Type.UNLOGGED));
            batch.add(row);
            if (batch.size() == rowsABatch) {
                send(session, open.remove(partition), free);
            }
        }
        for (BatchStatement batch : open.values()) send(session, batch, free);
        free.acquire(inFlight);
    }

    static void send(Session session, Statement statement, Semaphore free) throws Exception {
        free.acquire();
        ResultSetFuture answer = session.executeAsync(statement.setConsistencyLevel(ConsistencyLevel.LOCAL_QUORUM));
        answer.addListener(() -> {
            try {
                answer.getUninterruptibly();
            } catch (RuntimeException error) {
                error.printStackTrace();
                System.exit(1);
            }
            free.release();
        }, Runnable::run);
    }

    static BoundStatement bind(PreparedStatement insert, List<ColumnMetadata> columns, int number, long offset) {
        BoundStatement row = insert.bind();
        long micros = BEGIN + number * STEP;
        int at = 0;
        for (ColumnMetadata column : columns) {
            switch (column.getName()) {
                case "detector_id" -> row.setString(at, String.format("detector-%02d", number % 23));
                case "event_id" -> row.setString(at, "java-" + (offset + number));
                case "bucket" -> row.setTimestamp(at, new Date(Math.floorDiv(micros / 1000, 3_600_000L) * 3_600_000L));
                case "event_time" -> row.setTimestamp(at, new Date(micros / 1000));
                case "timestamp" -> row.setLong(at, micros);
                default -> {
                    switch (column.getType().getName()) {
                        case DOUBLE -> row.setDouble(at, Math.sin(number + at) * 1e3);
                        case BIGINT -> row.setLong(at, number - 3);
                        case BOOLEAN -> row.setBool(at, number % 3 == 0);
                        default -> row.setString(at, column.getName() + " " + number % 5);
                    }
                }
            }
            at++;
        }
        return row.setLong(at, micros);
    }
}
