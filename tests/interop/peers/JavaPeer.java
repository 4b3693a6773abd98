// SPDX-License-Identifier: MIT
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.ietf.jgss.ChannelBinding;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSException;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.MessageProp;
import org.ietf.jgss.Oid;

/**
 * One side of a GSS-API exchange with Java's own Kerberos (not its native mode). Protocol and options are those of
 * gss_peer.c; where Java has no such call the answer says UNAVAILABLE.
 */
public final class JavaPeer {
    private static final byte[] NOTHING = {};
    private static final String[] ERRORS = {
        "COMPLETE", "BAD_BINDINGS", "BAD_MECH", "BAD_NAME", "BAD_NAMETYPE", "BAD_STATUS", "BAD_MIC", "CONTEXT_EXPIRED",
        "CREDENTIALS_EXPIRED", "DEFECTIVE_CREDENTIAL", "DEFECTIVE_TOKEN", "FAILURE", "NO_CONTEXT", "NO_CRED", "BAD_QOP",
        "UNAUTHORIZED", "UNAVAILABLE", "DUPLICATE_ELEMENT", "NAME_NOT_MN", "DUPLICATE_TOKEN", "OLD_TOKEN",
        "UNSEQ_TOKEN", "GAP_TOKEN",
    };

    private final GSSManager manager = GSSManager.getInstance();
    private final Oid krb5 = new Oid("1.2.840.113554.1.2.2");
    private final Oid spnego = new Oid("1.3.6.1.5.5.2");
    private final Oid principalType = new Oid("1.2.840.113554.1.2.2.1");
    private StringBuilder json;
    private byte[] answer;
    private boolean accepts;
    private Oid mech;
    private GSSContext context;

    private JavaPeer() throws GSSException { }

    private void key(String name) {
        json.append(json.length() > 1 ? ",\"" : "\"").append(name).append("\":");
    }

    private void put(String name, String value) {
        key(name);
        json.append('"');
        for (char c : value.toCharArray()) {
            if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7f)
                json.append(String.format("\\u%04x", (int) c));
            else
                json.append(c);
        }
        json.append('"');
    }

    private void put(String name, long value) {
        key(name);
        json.append(value);
    }

    private void put(String name, boolean value) {
        key(name);
        json.append(value);
    }

    private void succeed(String call, String state) {
        put("call", call);
        put("error", state);
        put("major", 0);
        put("minor", 0);
    }

    private void fail(String call, GSSException error) {
        int major = error.getMajor();
        put("call", call);
        put("error", major > 0 && major < ERRORS.length ? ERRORS[major] : "UNKNOWN");
        put("major", major);
        put("minor", error.getMinor());
        put("major_text", String.valueOf(error.getMajorString()));
        String text = String.valueOf(error.getMessage());
        for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause())
            text += "; " + cause.getMessage();
        put("minor_text", text);
    }

    private GSSName name(String text) throws GSSException {
        // A principal's name even for host@service: Java would look a host-based name up in the DNS.
        int at = text.indexOf('@');
        boolean hostBased = at > 0 && text.indexOf('/') < 0 && !text.endsWith("@APEX.TEST");
        String principal = hostBased ? text.substring(0, at) + "/" + text.substring(at + 1) + "@APEX.TEST" : text;
        return manager.createName(principal, principalType);
    }

    private void begin(String[] options) throws GSSException {
        release();
        String service = null;
        String bindings = null;
        mech = krb5;
        boolean mutual = false, delegate = false, replay = true, sequence = true, conf = true, integ = true;
        for (int i = 0; i < options.length; i++) {
            switch (options[i]) {
            case "initiate": accepts = false; break;
            case "accept": accepts = true; break;
            case "--mutual": mutual = true; break;
            case "--delegate": delegate = true; break;
            case "--no-replay": replay = false; break;
            case "--no-sequence": sequence = false; break;
            case "--no-conf": conf = false; break;
            case "--no-integ": integ = false; break;
            case "--no-acquire": break;
            case "--service": service = options[++i]; break;
            case "--bindings": bindings = options[++i]; break;
            case "--bindings-type": i++; break;
            case "--mech": mech = options[++i].equals("spnego") ? spnego : krb5; break;
            default: throw new IllegalArgumentException("option " + options[i]);
            }
        }
        if (accepts) {
            context = manager.createContext((GSSCredential) null);
        } else {
            context = manager.createContext(name(service), mech, null, GSSContext.DEFAULT_LIFETIME);
            context.requestMutualAuth(mutual);
            context.requestCredDeleg(delegate);
            context.requestReplayDet(replay);
            context.requestSequenceDet(sequence);
            context.requestConf(conf);
            context.requestInteg(integ);
        }
        if (bindings != null)
            context.setChannelBinding(new ChannelBinding(bindings.getBytes(StandardCharsets.UTF_8)));
        succeed("begin", "COMPLETE");
    }

    private void step(byte[] token) throws GSSException {
        byte[] output = accepts ? context.acceptSecContext(token, 0, token.length)
                                : context.initSecContext(token, 0, token.length);
        answer = output == null ? NOTHING : output;
        succeed(accepts ? "acceptSecContext" : "initSecContext",
                context.isEstablished() ? "COMPLETE" : "CONTINUE_NEEDED");
        put("apex", false);
    }

    private void inquire() throws GSSException {
        succeed("inquire", "COMPLETE");
        int flags = (context.getCredDelegState() ? 1 : 0) | (context.getMutualAuthState() ? 2 : 0)
            | (context.getReplayDetState() ? 4 : 0) | (context.getSequenceDetState() ? 8 : 0)
            | (context.getConfState() ? 16 : 0) | (context.getIntegState() ? 32 : 0);
        put("flags", flags);
        put("context_flags", flags);
        put("source", context.getSrcName().toString());
        put("target", context.getTargName().toString());
        put("accepted_name", context.getSrcName().toString());
        put("lifetime", context.getLifetime());
        put("open", context.isEstablished());
        put("mech_is_krb5", context.getMech().equals(krb5));
        boolean delegated = accepts && context.getCredDelegState();
        put("delegated", delegated);
        if (delegated)
            put("delegated_name", context.getDelegCred().getName().toString());
    }

    private void wrap(byte[] data) throws GSSException {
        MessageProp property = new MessageProp(0, data[0] != 0);
        answer = context.wrap(data, 1, data.length - 1, property);
        succeed("wrap", "COMPLETE");
        put("conf", property.getPrivacy());
    }

    private void unwrap(byte[] token) throws GSSException {
        MessageProp property = new MessageProp(0, false);
        byte[] message = context.unwrap(token, 0, token.length, property);
        answer = message == null ? NOTHING : message;
        boolean inOrder = !property.isDuplicateToken() && !property.isOldToken() && !property.isUnseqToken()
            && !property.isGapToken();
        succeed("unwrap", inOrder ? "COMPLETE" : "SUPPLEMENTARY");
        put("conf", property.getPrivacy());
    }

    private void getMic(byte[] message) throws GSSException {
        answer = context.getMIC(message, 0, message.length, new MessageProp(0, false));
        succeed("getMIC", "COMPLETE");
    }

    private void verifyMic(byte[] data) throws GSSException {
        int length = ByteBuffer.wrap(data).getInt();
        MessageProp property = new MessageProp(0, false);
        context.verifyMIC(data, 4, length, data, 4 + length, data.length - 4 - length, property);
        boolean inOrder = !property.isDuplicateToken() && !property.isOldToken() && !property.isUnseqToken()
            && !property.isGapToken();
        succeed("verifyMIC", inOrder ? "COMPLETE" : "SUPPLEMENTARY");
    }

    private void useDelegated(String service) throws GSSException {
        GSSContext second = manager.createContext(name(service), krb5, context.getDelegCred(),
                                                  GSSContext.DEFAULT_LIFETIME);
        second.requestMutualAuth(true);
        answer = second.initSecContext(NOTHING, 0, 0);
        second.dispose();
        succeed("initSecContext", "CONTINUE_NEEDED");
    }

    private void release() throws GSSException {
        if (context != null)
            context.dispose();
        context = null;
    }

    private void serve(int operation, byte[] data) throws GSSException {
        switch (operation) {
        case 'H':
            put("implementation", "java");
            put("pid", ProcessHandle.current().pid());
            put("apex", false);
            break;
        case 'B': begin(new String(data, StandardCharsets.UTF_8).split("\n")); break;
        case 'S': step(data); break;
        case 'Q': inquire(); break;
        case 'W': wrap(data); break;
        case 'U': unwrap(data); break;
        case 'M': getMic(data); break;
        case 'V': verifyMic(data); break;
        case 'D': useDelegated(new String(data, StandardCharsets.UTF_8)); break;
        case 'E': release(); break;
        default: throw new IllegalArgumentException("operation " + operation);
        }
    }

    private void run(DataInputStream in, DataOutputStream out) throws IOException {
        while (true) {
            int operation = in.read();
            if (operation < 0)
                return;
            byte[] data = new byte[in.readInt()];
            in.readFully(data);
            json = new StringBuilder("{");
            answer = NOTHING;
            try {
                serve(operation, data);
            } catch (GSSException error) {
                json = new StringBuilder("{");
                fail(String.valueOf((char) operation), error);
            }
            byte[] text = json.append('}').toString().getBytes(StandardCharsets.US_ASCII);
            out.writeInt(text.length);
            out.write(text);
            out.writeInt(answer.length);
            out.write(answer);
            out.flush();
        }
    }

    public static void main(String[] arguments) throws Exception {
        new JavaPeer().run(new DataInputStream(new BufferedInputStream(System.in, 1 << 16)),
                           new DataOutputStream(new BufferedOutputStream(System.out, 1 << 16)));
    }
}
