package robot.interop;

import io.grpc.ChannelCredentials;
import io.grpc.CompositeChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Optional;
import java.util.Set;
import robot.client.BearerToken;
import robot.client.RobotClient;

/**
 * The command line.
 *
 * @param only the scenarios to run; none means all
 */
record Options(
    String server,
    Optional<Path> ca,
    Optional<Path> tokenFile,
    Optional<Path> pidFile,
    Set<String> only,
    Path vectors) {
  private static final String USAGE =
      "usage: run --server HOST:PORT [--ca FILE] [--token-file FILE] [--pid-file FILE]"
          + " [--only NAME[,NAME...]] [--vectors DIRECTORY]";
  private static final Set<String> NAMES =
      Set.of("--server", "--ca", "--token-file", "--pid-file", "--only", "--vectors");

  static Options from(String[] args) {
    var values = new HashMap<String, String>();
    for (var i = 0; i < args.length; i += 2) {
      if (!NAMES.contains(args[i]) || i + 1 == args.length) {
        throw new IllegalArgumentException(USAGE);
      }
      values.put(args[i], args[i + 1]);
    }
    if (!values.containsKey("--server")) {
      throw new IllegalArgumentException(USAGE);
    }
    return new Options(
        values.get("--server"),
        Optional.ofNullable(values.get("--ca")).map(Path::of),
        Optional.ofNullable(values.get("--token-file")).map(Path::of),
        Optional.ofNullable(values.get("--pid-file")).map(Path::of),
        Optional.ofNullable(values.get("--only")).map(s -> Set.of(s.split(","))).orElse(Set.of()),
        Path.of(values.getOrDefault("--vectors", "interop/vectors")));
  }

  /** Over TLS the server is called localhost, since its certificate is for that name. */
  RobotClient connect() throws IOException {
    var port = server.substring(server.lastIndexOf(':'));
    return RobotClient.connect(ca.isPresent() ? "localhost" + port : server, credentials());
  }

  private ChannelCredentials credentials() throws IOException {
    var transport =
        ca.isPresent()
            ? TlsChannelCredentials.newBuilder().trustManager(ca.get().toFile()).build()
            : InsecureChannelCredentials.create();
    if (tokenFile.isEmpty()) {
      return transport;
    }
    var token = Files.readString(tokenFile.get()).strip();
    return CompositeChannelCredentials.create(transport, new BearerToken(token));
  }
}
