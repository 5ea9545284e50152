// A host application by Eclipse Tahu: commands as JSON lines in, what it receives as JSON lines out.
//
//   java -cp 'target/classes:target/dependency/*' Host URL HOST
//
//   {"rebirth": "GROUP/NODE"}   asks an edge node for its births
//   {"offline": true}           publishes that the host is offline, and disconnects
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.eclipse.tahu.host.HostApplication;
import org.eclipse.tahu.host.api.HostApplicationEventHandler;
import org.eclipse.tahu.message.SparkplugBPayloadDecoder;
import org.eclipse.tahu.message.model.DeviceDescriptor;
import org.eclipse.tahu.message.model.EdgeNodeDescriptor;
import org.eclipse.tahu.message.model.Message;
import org.eclipse.tahu.message.model.MessageType;
import org.eclipse.tahu.message.model.Metric;
import org.eclipse.tahu.message.model.Metric.MetricBuilder;
import org.eclipse.tahu.message.model.MetricDataType;
import org.eclipse.tahu.message.model.SparkplugBPayload;
import org.eclipse.tahu.message.model.SparkplugBPayload.SparkplugBPayloadBuilder;
import org.eclipse.tahu.message.model.SparkplugDescriptor;
import org.eclipse.tahu.message.model.Topic;
import org.eclipse.tahu.model.MqttServerDefinition;
import org.eclipse.tahu.mqtt.MqttClientId;
import org.eclipse.tahu.mqtt.MqttServerName;
import org.eclipse.tahu.mqtt.MqttServerUrl;

public class Host implements HostApplicationEventHandler {
    static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] given) throws Exception {
        MqttServerDefinition server = new MqttServerDefinition(new MqttServerName("plant"), new MqttClientId("tahu-host", false),
            new MqttServerUrl(given[0]), null, null, 60, null);
        HostApplication host = new HostApplication(new Host(), given[1], List.of("spBv1.0/#"), List.of(server), null,
            new SparkplugBPayloadDecoder(), true);
        host.start(true);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode asked = JSON.readTree(line);
            if (asked.has("rebirth")) host.publishCommand(commands(asked.get("rebirth").asText()), rebirth());
            if (asked.has("offline")) host.shutdown();
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

    static Topic commands(String node) {
        return new Topic("spBv1.0", new EdgeNodeDescriptor(node), MessageType.NCMD);
    }

    static SparkplugBPayload rebirth() throws Exception {
        Metric wanted = new MetricBuilder("Node Control/Rebirth", MetricDataType.Boolean, true).createMetric();
        return new SparkplugBPayloadBuilder().setTimestamp(new Date()).addMetric(wanted).createPayload();
    }

    static void metric(String what, SparkplugDescriptor of, Metric metric) {
        Date time = metric.getTimestamp();
        report(what, Arrays.asList(of.getDescriptorString(), metric.getName(), metric.getValue(), time == null ? null : time.getTime()));
    }

    @Override
    public void onConnect() {
        report("connected", true);
    }

    @Override
    public void onDisconnect() {
        report("disconnected", true);
    }

    @Override
    public void onNodeBirthComplete(EdgeNodeDescriptor node) {
        report("nodeBirth", node.getDescriptorString());
    }

    @Override
    public void onNodeDeathComplete(EdgeNodeDescriptor node) {
        report("nodeDeath", node.getDescriptorString());
    }

    @Override
    public void onDeviceBirthComplete(DeviceDescriptor device) {
        report("deviceBirth", device.getDescriptorString());
    }

    @Override
    public void onDeviceDeathComplete(DeviceDescriptor device) {
        report("deviceDeath", device.getDescriptorString());
    }

    @Override
    public void onBirthMetric(SparkplugDescriptor of, Metric metric) {
        metric("birth", of, metric);
    }

    @Override
    public void onDataMetric(SparkplugDescriptor of, Metric metric) {
        metric("data", of, metric);
    }

    @Override
    public void onStale(SparkplugDescriptor of, Metric metric) {
        metric("stale", of, metric);
    }

    @Override
    public void onMessage(SparkplugDescriptor of, Message message) {}

    @Override
    public void onNodeBirthArrived(EdgeNodeDescriptor node, Message message) {}

    @Override
    public void onNodeDataArrived(EdgeNodeDescriptor node, Message message) {}

    @Override
    public void onNodeDataComplete(EdgeNodeDescriptor node) {}

    @Override
    public void onNodeDeath(EdgeNodeDescriptor node, Message message) {}

    @Override
    public void onDeviceBirthArrived(DeviceDescriptor device, Message message) {}

    @Override
    public void onDeviceDataArrived(DeviceDescriptor device, Message message) {}

    @Override
    public void onDeviceDataComplete(DeviceDescriptor device) {}

    @Override
    public void onDeviceDeath(DeviceDescriptor device, Message message) {}
}
