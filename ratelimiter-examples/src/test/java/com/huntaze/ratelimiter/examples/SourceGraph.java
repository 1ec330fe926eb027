package com.huntaze.ratelimiter.examples;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a program is made of, by its sources: the classes it names, those that these name, and so
 * on; and the calls to AWS among them.
 */
final class SourceGraph {
  private static final Pattern COMMENT = Pattern.compile("/\\*.*?\\*/|//[^\\n]*", Pattern.DOTALL);
  private static final Pattern PACKAGE = Pattern.compile("package ([\\w.]+);");
  private static final Pattern IMPORT = Pattern.compile("import (?:static )?([\\w.]+)");
  private static final Pattern WORD = Pattern.compile("\\b[A-Z]\\w*");
  private static final Pattern CLIENT =
      Pattern.compile("software\\.amazon\\.awssdk\\.services\\.(\\w+)\\.(\\w+Client)\\b");

  /** A call that is made without a client, by the name it has in AWS's JSON protocol. */
  private static final Pattern TARGET = Pattern.compile("\"([a-z]+)\\.([A-Z]\\w+)\"");

  /** Methods of a client that make no call. */
  private static final Set<String> LOCAL =
      Set.of("close", "builder", "serviceClientConfiguration", "serviceName");

  private final Map<String, String> sources = new TreeMap<>();

  private SourceGraph() {}

  /** The main sources of every module that is deployed. */
  static SourceGraph read() {
    SourceGraph graph = new SourceGraph();
    for (Path path : Repository.files()) {
      String name = path.toString();
      if (name.contains("/src/main/java/")
          && !name.contains("ratelimiter-testkit")
          && !name.contains("ratelimiter-benchmarks")) {
        String source = COMMENT.matcher(Repository.read(path)).replaceAll("");
        Matcher named = PACKAGE.matcher(source);
        if (named.find() && !name.endsWith("package-info.java")) {
          String simple = path.getFileName().toString().replace(".java", "");
          graph.sources.put(named.group(1) + "." + simple, source);
        }
      }
    }
    return graph;
  }

  /** The sources by class name, without comments, that a program of these classes is made of. */
  Map<String, String> from(String... roots) {
    Map<String, String> reached = new TreeMap<>();
    Deque<String> todo = new ArrayDeque<>(Set.of(roots));
    while (!todo.isEmpty()) {
      String name = todo.pop();
      String source = sources.get(name);
      if (source == null) {
        throw new AssertionError("there is no class " + name);
      }
      if (reached.put(name, source) == null) {
        named(name, source).stream().filter(each -> !reached.containsKey(each)).forEach(todo::push);
      }
    }
    return reached;
  }

  private Set<String> named(String name, String source) {
    Map<String, String> imported = new LinkedHashMap<>();
    Matcher imports = IMPORT.matcher(source);
    while (imports.find()) {
      for (String owner = imports.group(1); owner.contains("."); owner = parent(owner)) {
        imported.put(owner.substring(owner.lastIndexOf('.') + 1), owner);
      }
    }
    Set<String> found = new TreeSet<>();
    Matcher words = WORD.matcher(source);
    while (words.find()) {
      String neighbour = parent(name) + "." + words.group();
      String target = imported.getOrDefault(words.group(), neighbour);
      if (sources.containsKey(target)) {
        found.add(target);
      }
    }
    return found;
  }

  private static String parent(String name) {
    return name.substring(0, name.lastIndexOf('.'));
  }

  /** The calls to AWS in some sources, as the actions that policies know. */
  static Set<String> actions(Map<String, String> sources) {
    Set<String> actions = new TreeSet<>();
    sources.forEach(
        (name, source) -> {
          Matcher client = CLIENT.matcher(source);
          while (client.find()) {
            actions.addAll(calls(source, client.group(1), client.group(2)));
          }
          if (source.contains("\"X-Amz-Target\"")) {
            Matcher target = TARGET.matcher(source);
            while (target.find()) {
              actions.add(target.group(1) + ":" + target.group(2));
            }
          }
        });
    return actions;
  }

  private static Set<String> calls(String source, String service, String clientType) {
    Set<String> actions = new TreeSet<>();
    Matcher variable = Pattern.compile("\\b" + clientType + "\\s+(\\w+)\\s*[;,)=]").matcher(source);
    while (variable.find()) {
      String name = "(?<![.\\w])" + variable.group(1);
      Matcher call =
          Pattern.compile(name + "\\s*(?:\\.\\s*([a-z]\\w*)\\s*\\(|::\\s*([a-z]\\w*))")
              .matcher(source);
      while (call.find()) {
        String method = call.group(1) != null ? call.group(1) : call.group(2);
        if (!LOCAL.contains(method)) {
          actions.add(service + ":" + action(method));
        }
      }
    }
    return actions;
  }

  /** A batch is permitted by the action of a single call. */
  private static String action(String method) {
    String action = method.endsWith("Batch") ? method.substring(0, method.length() - 5) : method;
    return Character.toUpperCase(action.charAt(0)) + action.substring(1);
  }
}
