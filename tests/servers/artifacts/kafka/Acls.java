import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** Gives the tests' users their rights. Kafka's own command for it is not published with the broker. */
public class Acls {
    public static void main(String[] args) throws Exception {
        List<AclBinding> bindings = new ArrayList<>();
        for (ResourceType type : List.of(ResourceType.TOPIC, ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID, ResourceType.CLUSTER)) {
            bindings.add(allow("beamline", type, AclOperation.ALL));
        }
        bindings.add(allow("reader", ResourceType.TOPIC, AclOperation.READ));
        bindings.add(allow("reader", ResourceType.TOPIC, AclOperation.DESCRIBE_CONFIGS));
        bindings.add(allow("reader", ResourceType.GROUP, AclOperation.READ));
        bindings.add(allow("reader", ResourceType.CLUSTER, AclOperation.DESCRIBE));
        try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", args[0]))) {
            admin.createAcls(bindings).all().get();
        }
    }

    private static AclBinding allow(String user, ResourceType type, AclOperation operation) {
        String name = type == ResourceType.CLUSTER ? "kafka-cluster" : "*";
        return new AclBinding(
            new ResourcePattern(type, name, PatternType.LITERAL),
            new AccessControlEntry("User:" + user, "*", operation, AclPermissionType.ALLOW));
    }
}
