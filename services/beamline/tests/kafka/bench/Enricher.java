import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/**
 * What the enricher does for streams/bench.yaml, as a program of Kafka Streams does it: exactly once, a commit every 100 ms, one
 * thread. Prints `running` once it is.
 *
 * <pre>java Enricher.java BROKERS REGISTRY FROM TO SUBJECT PARTICLES.csv</pre>
 */
public final class Enricher {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http = HttpClient.newHttpClient();
  private final String registry;
  private final Schema schema;
  private final int id;
  private final Map<Integer, GenericDatumReader<GenericRecord>> readers = new HashMap<>();
  private final Map<String, double[]> particles = new HashMap<>();
  private final GenericDatumWriter<GenericRecord> writer;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private BinaryDecoder decoder;
  private BinaryEncoder encoder;
  private GenericRecord read;

  private Enricher(String registry, String subject, Path table) throws Exception {
    this.registry = registry;
    JsonNode latest = get("/subjects/" + subject + "/versions/latest");
    schema = new Schema.Parser().parse(latest.get("schema").asText());
    id = latest.get("id").asInt();
    writer = new GenericDatumWriter<>(schema);
    for (String line : Files.readAllLines(table).subList(1, Files.readAllLines(table).size())) {
      String[] fields = line.split(",");
      particles.put(fields[0], new double[] {Double.parseDouble(fields[1]), Double.parseDouble(fields[2])});
    }
  }

  private JsonNode get(String path) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(registry + path)).build();
    return JSON.readTree(http.send(request, HttpResponse.BodyHandlers.ofString()).body());
  }

  private GenericDatumReader<GenericRecord> reader(int of) {
    return readers.computeIfAbsent(of, number -> {
      try {
        return new GenericDatumReader<>(new Schema.Parser().parse(get("/schemas/ids/" + number).get("schema").asText()));
      } catch (Exception error) {
        throw new IllegalStateException(error);
      }
    });
  }

  /** The message with the columns that the definition adds, in the registry's framing; null where it fails the quality rule. */
  private byte[] enrich(byte[] message) {
    try {
      int of = ByteBuffer.wrap(message, 1, 4).getInt();
      decoder = DecoderFactory.get().binaryDecoder(message, 5, message.length - 5, decoder);
      read = reader(of).read(read, decoder);
      double e = (double) read.get("energy_gev");
      if (!(e > 0)) {
        return null;
      }
      double x = (double) read.get("momentum_x"), y = (double) read.get("momentum_y"), z = (double) read.get("momentum_z");
      double[] particle = particles.get(read.get("particle_type").toString());
      double pt = Math.hypot(x, y), p = Math.sqrt(x * x + y * y + z * z), sigma = 0.028 * e * e + 0.001;
      GenericRecord row = new GenericData.Record(schema);
      for (Schema.Field field : schema.getFields()) {
        row.put(field.pos(), switch (field.name()) {
          case "mass_gev" -> particle == null ? null : (Object) particle[0];
          case "charge" -> particle == null ? null : number(field.schema(), particle[1]);
          case "pt" -> pt;
          case "eta" -> Math.log((p + z) / pt);
          case "phi" -> Math.atan2(y, x);
          case "p" -> p;
          case "sigma" -> sigma;
          case "pull" -> particle == null ? null : (Object) ((e * e - p * p - particle[0] * particle[0]) / sigma);
          default -> read.get(field.name());
        });
      }
      bytes.reset();
      bytes.write(0);
      bytes.write(ByteBuffer.allocate(4).putInt(id).array());
      encoder = EncoderFactory.get().binaryEncoder(bytes, encoder);
      writer.write(row, encoder);
      encoder.flush();
      return bytes.toByteArray();
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  /** A number in the type that the schema has for it. */
  private static Object number(Schema schema, double value) {
    boolean whole = schema.getTypes().stream().anyMatch(type -> type.getType() == Schema.Type.LONG);
    return whole ? (Object) (long) value : (Object) value;
  }

  public static void main(String[] given) throws Exception {
    Enricher enricher = new Enricher(given[1], given[4], Path.of(given[5]));
    Properties settings = new Properties();
    settings.put("application.id", given[3] + ".streams");
    settings.put("bootstrap.servers", given[0]);
    settings.put("processing.guarantee", "exactly_once_v2");
    settings.put("commit.interval.ms", "100");
    settings.put("num.stream.threads", "1");
    settings.put("consumer.auto.offset.reset", "earliest");
    settings.put("consumer.max.poll.records", "16384");
    settings.put("producer.compression.type", "lz4");
    settings.put("producer.linger.ms", "2");
    settings.put("producer.batch.size", "1000000");
    settings.put("state.dir", Files.createTempDirectory("streams").toString());
    StreamsBuilder builder = new StreamsBuilder();
    builder
        .stream(given[2], Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .mapValues(enricher::enrich)
        .filter((key, value) -> value != null)
        .to(given[3], Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
    System.out.println("running");
  }
}
