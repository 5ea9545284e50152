// An edge node with one device by Eclipse Tahu: commands as JSON lines in, what happens to it as JSON lines out.
//
//   java -cp 'target/classes:target/dependency/*' Edge URL GROUP NODE DEVICE PRIMARY METRICS
//
//   {"data": [{"name": …, "type": …, "value": …}]}   publishes values of the device
//   {"lose": true}                                   passes over a sequence number
//   {"dead": true}                                   publishes the death of the device
//   {"leave": true}                                  publishes the death of the node, and disconnects
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.tahu.edge.EdgeClient;
import org.eclipse.tahu.edge.api.MetricHandler;
import org.eclipse.tahu.message.SparkplugBPayloadDecoder;
import org.eclipse.tahu.message.SparkplugBPayloadEncoder;
import org.eclipse.tahu.message.model.EdgeNodeDescriptor;
import org.eclipse.tahu.message.model.MessageType;
import org.eclipse.tahu.message.model.Metric;
import org.eclipse.tahu.message.model.Metric.MetricBuilder;
import org.eclipse.tahu.message.model.MetricDataType;
import org.eclipse.tahu.message.model.PropertyDataType;
import org.eclipse.tahu.message.model.PropertySet.PropertySetBuilder;
import org.eclipse.tahu.message.model.PropertyValue;
import org.eclipse.tahu.message.model.SparkplugBPayload;
import org.eclipse.tahu.message.model.SparkplugBPayload.SparkplugBPayloadBuilder;
import org.eclipse.tahu.message.model.SparkplugBPayloadMap;
import org.eclipse.tahu.message.model.SparkplugBPayloadMap.SparkplugBPayloadMapBuilder;
import org.eclipse.tahu.message.model.SparkplugDescriptor;
import org.eclipse.tahu.message.model.StatePayload;
import org.eclipse.tahu.message.model.Topic;
import org.eclipse.tahu.model.MqttServerDefinition;
import org.eclipse.tahu.mqtt.ClientCallback;
import org.eclipse.tahu.mqtt.MqttClientId;
import org.eclipse.tahu.mqtt.MqttServerName;
import org.eclipse.tahu.mqtt.MqttServerUrl;

public class Edge implements MetricHandler, ClientCallback {
    static final ObjectMapper JSON = new ObjectMapper();
    static final String STATE = "spBv1.0/STATE/";
    static final String REBIRTH = "Node Control/Rebirth";

    final EdgeNodeDescriptor node;
    final String device;
    final JsonNode metrics;
    final AtomicLong bdSeq = new AtomicLong(-1);
    EdgeClient client;

    Edge(String url, EdgeNodeDescriptor node, String device, String primary, JsonNode metrics) throws Exception {
        this.node = node;
        this.device = device;
        this.metrics = metrics;
        String name = node.getGroupId() + "-" + node.getEdgeNodeId();
        MqttServerDefinition server = new MqttServerDefinition(new MqttServerName("plant"), new MqttClientId(name, false),
            new MqttServerUrl(url), null, null, 60, getDeathTopic());
        client = new EdgeClient(this, node, List.of(device), primary.isEmpty() ? null : primary, true, 0L, List.of(server),
            this, null);
    }

    public static void main(String[] given) throws Exception {
        Edge edge = new Edge(given[0], new EdgeNodeDescriptor(given[1], given[2]), given[3], given[4], JSON.readTree(given[5]));
        Thread thread = new Thread(edge.client);
        thread.setDaemon(true);
        thread.start();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode asked = JSON.readTree(line);
            if (asked.has("data")) edge.client.publishDeviceData(edge.device, edge.payload(asked.get("data")));
            if (asked.has("lose")) edge.client.getNextSeqNum();
            if (asked.has("dead")) edge.client.publishDeviceDeath(edge.device);
            if (asked.has("leave")) edge.leave();
            report("done", asked.fieldNames().next());
        }
        System.exit(0);
    }

    static synchronized void report(String what, Object value) {
        try {
            System.out.println(JSON.writeValueAsString(Map.of(what, value)));
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    void leave() {
        client.shutdown();
        client.disconnect(true);
    }

    SparkplugBPayload payload(JsonNode values) throws Exception {
        SparkplugBPayloadBuilder payload = new SparkplugBPayloadBuilder().setTimestamp(new Date());
        for (JsonNode one : values) payload.addMetric(metric(one));
        return payload.createPayload();
    }

    static Metric metric(JsonNode one) throws Exception {
        JsonNode value = one.get("value");
        String type = one.get("type").asText();
        MetricBuilder metric = switch (type) {
            case "Int32" -> new MetricBuilder(one.get("name").asText(), MetricDataType.Int32, value.asInt());
            case "Int64" -> new MetricBuilder(one.get("name").asText(), MetricDataType.Int64, value.asLong());
            case "Double" -> new MetricBuilder(one.get("name").asText(), MetricDataType.Double, value.isNull() ? null : value.asDouble());
            case "Boolean" -> new MetricBuilder(one.get("name").asText(), MetricDataType.Boolean, value.asBoolean());
            case "String" -> new MetricBuilder(one.get("name").asText(), MetricDataType.String, value.asText());
            default -> throw new IllegalArgumentException(type);
        };
        if (one.has("unit")) {
            PropertyValue<PropertyDataType> unit = new PropertyValue<>(PropertyDataType.String, one.get("unit").asText());
            metric.properties(new PropertySetBuilder().addProperty("engUnit", unit).createPropertySet());
        }
        return metric.timestamp(new Date()).createMetric();
    }

    // ---- MetricHandler ----

    @Override
    public Topic getDeathTopic() {
        return new Topic("spBv1.0", node, MessageType.NDEATH);
    }

    @Override
    public byte[] getDeathPayloadBytes() throws Exception {
        Metric number = new MetricBuilder("bdSeq", MetricDataType.Int64, bdSeq.updateAndGet(last -> (last + 1) % 256)).createMetric();
        SparkplugBPayload payload = new SparkplugBPayloadBuilder().setTimestamp(new Date()).addMetric(number).createPayload();
        return new SparkplugBPayloadEncoder().getBytes(payload, true);
    }

    @Override
    public void publishBirthSequence() {
        try {
            SparkplugBPayloadMap birth = new SparkplugBPayloadMapBuilder().setTimestamp(new Date())
                .addMetric(new MetricBuilder("bdSeq", MetricDataType.Int64, bdSeq.get()).createMetric())
                .addMetric(new MetricBuilder(REBIRTH, MetricDataType.Boolean, false).createMetric())
                .createPayload();
            client.publishNodeBirth(birth);
            client.publishDeviceBirth(device, payload(metrics));
            report("born", bdSeq.get());
        } catch (Exception error) {
            report("failed", String.valueOf(error));
        }
    }

    @Override
    public boolean hasMetric(SparkplugDescriptor descriptor, String name) {
        for (JsonNode one : metrics) if (one.get("name").asText().equals(name)) return true;
        return name.equals(REBIRTH);
    }

    // ---- ClientCallback ----

    @Override
    public void messageArrived(MqttServerName server, MqttServerUrl url, MqttClientId id, String topic, MqttMessage message) {
        try {
            if (topic.startsWith(STATE)) {
                StatePayload state = JSON.readValue(message.getPayload(), StatePayload.class);
                client.handleStateMessage(topic.substring(STATE.length()), state);
            } else if (topic.contains("/NCMD/")) {
                SparkplugBPayload command = new SparkplugBPayloadDecoder().buildFromByteArray(message.getPayload(), null);
                for (Metric one : command.getMetrics()) {
                    report("ncmd", List.of(one.getName(), one.getValue()));
                    if (REBIRTH.equals(one.getName()) && Boolean.TRUE.equals(one.getValue())) client.handleRebirthRequest(true);
                }
            }
        } catch (Exception error) {
            report("failed", String.valueOf(error));
        }
    }

    @Override
    public void connectComplete(boolean again, MqttServerName server, MqttServerUrl url, MqttClientId id) {
        report("connected", again);
    }

    @Override
    public void connectionLost(MqttServerName server, MqttServerUrl url, MqttClientId id, Throwable cause) {
        report("lost", String.valueOf(cause));
    }

    @Override
    public void shutdown() {}
}
