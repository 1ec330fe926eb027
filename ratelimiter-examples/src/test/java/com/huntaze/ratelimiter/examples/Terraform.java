package com.huntaze.ratelimiter.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.bertramlabs.plugins.hcl4j.HCLParser;
import com.bertramlabs.plugins.hcl4j.HCLParserException;
import com.bertramlabs.plugins.hcl4j.symbols.Symbol;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The Terraform module of this project, as a tree: a reference is the text of its address, and what
 * {@code jsonencode} makes is a tree again.
 *
 * <p>Each file is read on its own, so that a variable of another file stays a reference.
 */
final class Terraform {
  static final Path ROOT = Repository.root().resolve("infra/terraform");

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern INSERTED = Pattern.compile("\\$\\{(\\w+)}");

  private final ObjectNode all = JsonNodeFactory.instance.objectNode();

  private Terraform() {}

  /** The module's own files, without the example's. */
  static Terraform read() {
    return read(ROOT);
  }

  static Terraform read(Path directory) {
    Terraform terraform = new Terraform();
    for (Path file : files(directory)) {
      merge(terraform.all, parse(Repository.read(file), file.toString()));
    }
    return terraform;
  }

  static List<Path> files(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().endsWith(".tf")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static JsonNode parse(String text, String name) {
    try {
      return tree(new HCLParser().parse(new ByteArrayInputStream(text.getBytes(UTF_8)), UTF_8));
    } catch (HCLParserException | IOException | RuntimeException e) {
      throw new AssertionError(name + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** The blocks of a type by their names; empty if there is none. */
  Map<String, JsonNode> resources(String type) {
    return children(all.path("resource").path(type));
  }

  JsonNode resource(String type, String name) {
    JsonNode found = all.path("resource").path(type).path(name);
    if (found.isMissingNode()) {
      throw new AssertionError("there is no resource " + type + "." + name);
    }
    return found;
  }

  Map<String, JsonNode> data(String type) {
    return children(all.path("data").path(type));
  }

  Map<String, JsonNode> variables() {
    return children(all.path("variable"));
  }

  Map<String, JsonNode> locals() {
    return children(all.path("locals"));
  }

  Map<String, JsonNode> outputs() {
    return children(all.path("output"));
  }

  /** A dashboard's body, what is inserted into it left as the text of its name. */
  static JsonNode template(String path) {
    Matcher inserted = INSERTED.matcher(Repository.read(ROOT.resolve(path)));
    try {
      return JSON.readTree(inserted.replaceAll("$1"));
    } catch (JsonProcessingException e) {
      throw new AssertionError(path + " is no JSON: " + e.getMessage(), e);
    }
  }

  /** The names that a template has inserted. */
  static List<String> inserted(String path) {
    return INSERTED
        .matcher(Repository.read(ROOT.resolve(path)))
        .results()
        .map(found -> found.group(1))
        .distinct()
        .sorted()
        .toList();
  }

  static Map<String, JsonNode> children(JsonNode node) {
    Map<String, JsonNode> children = new LinkedHashMap<>();
    node.properties().forEach(each -> children.put(each.getKey(), each.getValue()));
    return children;
  }

  /** A block that may be repeated: none, one or many. */
  static List<JsonNode> list(JsonNode node) {
    List<JsonNode> list = new ArrayList<>();
    if (node.isArray()) {
      node.forEach(list::add);
    } else if (!node.isMissingNode()) {
      list.add(node);
    }
    return list;
  }

  static List<String> texts(JsonNode node) {
    return list(node).stream().map(JsonNode::asText).toList();
  }

  private static JsonNode tree(Object value) {
    JsonNodeFactory make = JsonNodeFactory.instance;
    if (value == null) {
      return make.nullNode();
    } else if (value instanceof Map<?, ?> map) {
      ObjectNode object = make.objectNode();
      map.forEach((key, each) -> object.set(key.toString(), tree(each)));
      // jsonencode's argument, which the parser leaves behind at the top
      object.remove("jsonencode");
      return object;
    } else if (value instanceof List<?> list) {
      ArrayNode array = make.arrayNode();
      list.forEach(each -> array.add(tree(each)));
      return array;
    } else if (value instanceof Symbol reference) {
      return make.textNode(reference.getName());
    } else if (value instanceof Boolean bool) {
      return make.booleanNode(bool);
    } else if (value instanceof Number number) {
      return make.numberNode(number.doubleValue());
    }
    String text = value.toString();
    return text.startsWith("{") || text.startsWith("[") ? encoded(text) : make.textNode(text);
  }

  private static JsonNode encoded(String text) {
    try {
      return withReferences(JSON.readTree(text));
    } catch (JsonProcessingException e) {
      return JsonNodeFactory.instance.textNode(text);
    }
  }

  /** In encoded text a reference is an object that describes it. */
  private static JsonNode withReferences(JsonNode node) {
    JsonNodeFactory make = JsonNodeFactory.instance;
    if (node.has("symbolName")) {
      return make.textNode(node.path("name").asText());
    } else if (node.isObject()) {
      ObjectNode object = make.objectNode();
      children(node).forEach((key, each) -> object.set(key, withReferences(each)));
      return object;
    } else if (node.isArray()) {
      ArrayNode array = make.arrayNode();
      node.forEach(each -> array.add(withReferences(each)));
      return array;
    }
    return node;
  }

  private static void merge(ObjectNode into, JsonNode from) {
    children(from)
        .forEach(
            (key, value) -> {
              if (into.get(key) instanceof ObjectNode known && value.isObject()) {
                merge(known, value);
              } else if (into.has(key)) {
                throw new AssertionError(key + " stands in two files");
              } else {
                into.set(key, value);
              }
            });
  }
}
