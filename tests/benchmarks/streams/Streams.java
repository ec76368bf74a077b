import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.text.Normalizer;
import java.time.Duration;
import java.time.Instant;
import java.util.*;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The router's work on Kafka Streams, as one would write it: messages joined with a global table of profiles, weighed by the same
 * policy file, written as the same JSON under the ticket's id. Leaves out what the page says.
 *
 * <p>Arguments: bootstrap servers, application id, policy.yaml, state folder, how many stream threads.
 */
public class Streams {
  static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] arguments) throws Exception {
    Decisions decisions = new Decisions(new ObjectMapper(new YAMLFactory()).readTree(new File(arguments[2])));
    Properties settings = new Properties();
    settings.put("bootstrap.servers", arguments[0]);
    settings.put("application.id", arguments[1]);
    settings.put("state.dir", arguments[3]);
    settings.put("num.stream.threads", arguments[4]);
    settings.put("commit.interval.ms", "1000");
    settings.put("replication.factor", "1");
    settings.put("auto.offset.reset", "earliest");
    settings.put("consumer.fetch.max.wait.ms", "100");
    settings.put("consumer.max.poll.records", "500");
    settings.put("producer.acks", "all");
    settings.put("producer.linger.ms", "2");
    settings.put("producer.batch.size", Integer.toString(1 << 20));
    settings.put("producer.buffer.memory", Integer.toString(64 << 20));

    Serde<JsonNode> json = Serdes.serdeFrom((topic, value) -> bytes(value), (topic, value) -> tree(value));
    StreamsBuilder builder = new StreamsBuilder();
    GlobalKTable<String, JsonNode> profiles = builder.globalTable("customers-updated",
        Materialized.<String, JsonNode>as(Stores.inMemoryKeyValueStore("profiles")).withKeySerde(Serdes.String()).withValueSerde(json));
    builder.stream("messages-received", Consumed.with(Serdes.String(), json))
        .leftJoin(profiles, (key, message) -> message.path("sender").asText(), decisions::routed)
        .process(Addressed::new)
        .to("messages-routed", Produced.with(Serdes.String(), json));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
    streams.start();
  }

  static byte[] bytes(JsonNode value) {
    try {
      return value == null ? null : JSON.writeValueAsBytes(value);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  static JsonNode tree(byte[] value) {
    try {
      return value == null ? null : JSON.readTree(value);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Key and headers (CloudEvents) of what goes out. */
  static class Addressed extends ContextualProcessor<String, JsonNode, String, JsonNode> {
    @Override
    public void process(Record<String, JsonNode> record) {
      JsonNode decision = record.value().get("decision");
      RecordHeaders headers = new RecordHeaders();
      headers.add("ce_specversion", utf8("1.0")).add("ce_type", utf8("RoutedMessage")).add("ce_source", utf8("streams"))
          .add("content-type", utf8("application/json")).add("ce_id", utf8(decision.get("message_id").asText()))
          .add("ce_time", utf8(Instant.now().toString()));
      context().forward(record.withKey(decision.get("ticket_id").asText()).withHeaders(headers));
    }

    private static byte[] utf8(String text) {
      return text.getBytes(StandardCharsets.UTF_8);
    }
  }

  /** Words to look for; the anchor is a cheap test before the expression. */
  record Phrase(String anchor, Pattern pattern) {}

  record Vocabulary(Map<String, List<Phrase>> severities, Pattern before, Pattern after) {}

  record Signal(double points, String code, String text) {}

  static class Candidate {
    int rank = 9;
    double confidence = 0;
    final ArrayNode reasons = JSON.createArrayNode();
  }

  /** One policy, its words compiled. */
  static class Decisions {
    static final int GAP = 24;
    static final String CLAUSE = ".!?;。！？；";
    static final Pattern ACCENTS = Pattern.compile("[\u0300-\u036f]");
    static final Pattern SPACES = Pattern.compile("\\s+");
    static final Pattern NO_SPACES = Pattern.compile("[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af]");
    final JsonNode policy;
    final Map<String, Vocabulary> languages = new LinkedHashMap<>();
    final Map<String, List<Phrase>> rules = new HashMap<>();
    final Set<String> deniable;

    Decisions(JsonNode policy) {
      this.policy = policy;
      deniable = Set.copyOf(texts(policy.get("deniable")));
      policy.get("words").fields().forEachRemaining(language -> {
        Map<String, List<Phrase>> severities = new LinkedHashMap<>();
        policy.at("/signals/severity").fieldNames().forEachRemaining(severity ->
            severities.put(severity, phrases(language.getValue().path(severity))));
        languages.put(language.getKey(), new Vocabulary(severities,
            either(language.getValue().path("denied_before"), "(?<!\\w)(?:", ")(?:[ -]\\w+){0,1}[ -]$"),
            either(language.getValue().path("denied_after"), "[^" + CLAUSE + ",]{0," + GAP + "}?(?:", ")")));
      });
      policy.at("/routing/rules").forEach(rule ->
          rules.put(rule.get("name").asText(), phrases(rule.path("when").path("words"))));
    }

    JsonNode routed(JsonNode message, JsonNode profile) {
      String language = message.path("language").asText(profile == null ? "" : profile.path("language").asText());
      String subject = message.path("subject").asText();
      String text = normal(subject.isEmpty() ? message.get("text").asText() : subject + ". " + message.get("text").asText());
      Map<String, String> severities = severities(text, language);
      ObjectNode decision = JSON.createObjectNode().put("message_id", message.get("id").asText());
      thread(message, profile, decision);
      String tier = message.path("tier").asText(profile == null ? "" : profile.path("tier").asText());
      Instant now = Instant.parse(message.get("received_at").asText());
      String level = score(message, profile, severities, tier, now, decision);
      team(message, text, language, severities, decision);
      channels(message, profile, now, decision);
      decision.put("language", language.isEmpty() ? policy.get("language").asText() : language);
      decision.put("policy", policy.get("name").asText() + "@0").put("profile_version", profile == null ? 0 : profile.path("version").asInt());
      JsonNode promised = policy.at("/answer_within/tiers").path(tier).path(level);
      decision.put("reply_within", 60 * (promised.isMissingNode() ? policy.path("answer_within").path(level) : promised).asInt());
      ObjectNode routed = JSON.createObjectNode();
      routed.set("message", message);
      routed.set("decision", decision);
      return routed;
    }

    void thread(JsonNode message, JsonNode profile, ObjectNode decision) {
      JsonNode clues = message.path("thread");
      String own = message.get("provider_id").asText(), root = clues.path("root").asText(), conversation = clues.path("conversation").asText();
      String rule = !root.isEmpty() && !root.equals(own) ? "root" : !conversation.isEmpty() ? "conversation" : "new";
      String evidence = rule.equals("root") ? root : rule.equals("conversation") ? conversation : own;
      String key = message.get("channel").asText() + ":" + evidence;
      int generation = profile == null ? 0 : profile.path("generations").path(key).asInt();
      decision.put("ticket_id", stableId("ticket", key, Integer.toString(generation)));
      decision.putObject("thread").put("key", key).put("generation", generation).put("rule", rule).put("evidence", evidence);
    }

    String score(JsonNode message, JsonNode profile, Map<String, String> severities, String tier, Instant now, ObjectNode decision) {
      JsonNode weights = policy.get("signals");
      List<Signal> signals = new ArrayList<>();
      signals.add(new Signal(weights.get("base").asDouble(), "base", "a customer wrote to us"));
      if (message.path("live").asBoolean()) signals.add(new Signal(weights.get("live").asDouble(), "live", "somebody is waiting right now"));
      severities.forEach((severity, words) -> signals.add(
          new Signal(weights.path("severity").path(severity).asDouble(), "severity." + severity, severity + ": “" + words + "”")));
      double plan = weights.path("tiers").path(tier.toLowerCase(Locale.ROOT)).asDouble();
      if (plan > 0) signals.add(new Signal(plan, "tier", "customer on the " + tier + " plan"));
      if (profile != null) {
        JsonNode repeated = weights.get("repeated");
        int contacts = contacts(profile.path("recent_contacts"), repeated, now);
        if (contacts > 0) signals.add(new Signal(100 * (1 - Math.pow(1 - repeated.get("points").asDouble() / 100, contacts)), "repeated",
            "wrote " + contacts + " times before within " + repeated.get("hours").asInt() + " hours"));
        if (profile.path("missed_sla").asBoolean()) signals.add(new Signal(weights.get("missed_sla").asDouble(), "missed-sla", "was answered too late before"));
      }
      signals.sort(Comparator.comparingDouble(Signal::points).reversed().thenComparing(Signal::code));
      double left = 100;
      ArrayNode reasons = JSON.createArrayNode();
      for (Signal signal : signals) {
        double share = left * Math.min(signal.points(), 100) / 100;
        left -= share;
        reasons.addObject().put("code", signal.code()).put("text", signal.text()).put("weight", Math.round(share * 10) / 10.0);
      }
      double total = Math.rint(100 - left);
      JsonNode levels = policy.get("levels");
      String level = total >= levels.get("urgent").asDouble() ? "urgent" : total >= levels.get("high").asDouble() ? "high"
          : total >= levels.get("normal").asDouble() ? "normal" : "low";
      decision.put("score", (int) total).put("level", level).set("reasons", reasons);
      return level;
    }

    int contacts(JsonNode times, JsonNode rule, Instant now) {
      int counted = 0;
      Instant last = now;
      List<Instant> newestFirst = StreamSupport.stream(times.spliterator(), false).map(time -> Instant.parse(time.asText()))
          .sorted(Comparator.reverseOrder()).collect(Collectors.toList());
      for (Instant time : newestFirst) {
        if (time.isBefore(now) && Duration.between(time, now).toHours() < rule.get("hours").asInt()
            && Duration.between(time, last).toMinutes() >= rule.get("minutes_apart").asInt() && counted < rule.get("at_most").asInt()) {
          counted++;
          last = time;
        }
      }
      return counted;
    }

    void team(JsonNode message, String text, String language, Map<String, String> severities, ObjectNode decision) {
      String team = "";
      Set<String> skills = new LinkedHashSet<>();
      ArrayNode reasons = JSON.createArrayNode();
      for (JsonNode rule : policy.at("/routing/rules")) {
        String why = holds(rule, message, text, language, severities);
        String named = team.isEmpty() ? rule.path("team").asText() : "";
        boolean adds = skills.addAll(why == null ? List.of() : texts(rule.path("skills")));
        if (why != null && (adds || !named.isEmpty())) {
          team = named.isEmpty() ? team : named;
          reasons.addObject().put("code", named.isEmpty() ? "skill.rule" : "team.rule").put("text", rule.get("name").asText() + ": " + why);
        }
      }
      if (team.isEmpty()) {
        team = policy.at("/routing/team").asText();
        reasons.addObject().put("code", "team.default").put("text", team + " takes what no rule sends elsewhere");
      }
      decision.put("team", team).set("routing_reasons", reasons);
      ArrayNode named = decision.putArray("skills");
      skills.forEach(named::add);
    }

    String holds(JsonNode rule, JsonNode message, String text, String language, Map<String, String> severities) {
      JsonNode when = rule.get("when");
      List<String> why = new ArrayList<>();
      if (when.has("languages")) why.add(has(when.get("languages"), language) ? "written in " + language : "");
      if (when.has("channels")) why.add(has(when.get("channels"), message.get("channel").asText()) ? "came by " + message.get("channel").asText() : "");
      if (when.has("live")) why.add(when.get("live").asBoolean() == message.path("live").asBoolean() ? "somebody is waiting" : "");
      if (when.has("severities")) why.add(texts(when.get("severities")).stream().filter(severities::containsKey).findFirst()
          .map(severity -> "mentions “" + severities.get(severity) + "”").orElse(""));
      if (when.has("words")) {
        String told = first(rules.get(rule.get("name").asText()), text, null);
        why.add(told.isEmpty() ? "" : "mentions “" + told + "”");
      }
      return why.contains("") ? null : String.join("; ", why);
    }

    void channels(JsonNode message, JsonNode profile, Instant now, ObjectNode decision) {
      JsonNode preference = policy.get("preference");
      Map<String, Candidate> candidates = new HashMap<>();
      List<String> points = new ArrayList<>();
      if (profile != null) {
        profile.path("contact_points").forEach(point -> points.add(point.asText()));
        JsonNode stated = profile.get("stated");
        if (stated != null && !stated.isNull()) {
          String text = "the customer chose " + label(stated.get("channel").asText()) + " on " + stated.get("at").asText().substring(0, 10);
          speaks(candidates, 0, stated.get("channel").asText(), preference.path("stated").path(stated.get("source").asText()).asDouble(), "preference.stated", text);
        }
        habits(profile.path("observed"), preference.get("observed"), now, candidates);
      }
      points.add(message.get("sender").asText());
      int born = message.path("birth_year").asInt(profile == null ? 0 : profile.path("birth_year").asInt());
      int age = born == 0 ? 0 : now.atZone(java.time.ZoneOffset.UTC).getYear() - born;
      for (JsonNode prior : preference.at("/ages/priors")) {
        if (age >= 5 && age >= prior.path("at_least").asInt() && age < prior.path("below").asInt(200)) {
          speaks(candidates, 2, prior.get("channel").asText(), preference.at("/ages/confidence").asDouble(), "preference.age", "age " + age + ", given by the customer");
        }
      }
      String used = message.get("channel").asText();
      speaks(candidates, 3, used, preference.get("used").asDouble(), "preference.used", "this message came by " + label(used));
      ArrayNode choices = decision.putArray("channels");
      candidates.entrySet().stream().sorted(Comparator.<Map.Entry<String, Candidate>>comparingInt(entry -> entry.getValue().rank)
          .thenComparing(entry -> -entry.getValue().confidence).thenComparing(Map.Entry::getKey)).forEach(entry -> {
        List<String> kinds = texts(preference.path("channels").path(entry.getKey()).path("reaches"));
        String point = entry.getKey().equals(used) ? message.get("sender").asText()
            : points.stream().filter(one -> kinds.contains(one.substring(0, one.indexOf(':')))).findFirst().orElse(null);
        if (point == null) entry.getValue().reasons.addObject().put("code", "unavailable.unknown-address")
            .put("text", "we do not know yet where to reach them by " + label(entry.getKey()) + ": ask");
        ObjectNode choice = choices.addObject().put("channel", entry.getKey()).put("confidence", Math.round(entry.getValue().confidence * 100) / 100.0)
            .put("available", point != null);
        choice.set("reasons", entry.getValue().reasons);
        if (point != null) choice.put("contact_point", point);
      });
      if (choices.get(0).get("confidence").asDouble() < preference.get("ask_below").asDouble()) {
        decision.put("ask_preference", true).putObject("ask_reason").put("code", "ask.nothing-known").put("text", "which channel they prefer: nothing is known of it yet");
      }
    }

    void habits(JsonNode observed, JsonNode rule, Instant now, Map<String, Candidate> candidates) {
      double halfLife = Duration.ofDays(rule.get("half_life_days").asInt()).toSeconds(), total = 0;
      Map<String, Double> aged = new TreeMap<>();
      for (var seen = observed.fields(); seen.hasNext();) {
        var one = seen.next();
        double seconds = Math.max(0, Duration.between(Instant.parse(one.getValue().get("last_at").asText()), now).toSeconds());
        aged.put(one.getKey(), one.getValue().get("messages").asInt() * Math.pow(0.5, seconds / halfLife));
        total += aged.get(one.getKey());
      }
      for (var one : aged.entrySet()) {
        if (one.getValue() >= rule.get("at_least").asDouble()) {
          speaks(candidates, 1, one.getKey(), rule.get("confidence").asDouble() * one.getValue() / total, "preference.observed",
              observed.get(one.getKey()).get("messages").asInt() + " messages came by " + label(one.getKey()));
        }
      }
    }

    static void speaks(Map<String, Candidate> candidates, int rank, String channel, double confidence, String code, String text) {
      Candidate candidate = candidates.computeIfAbsent(channel, name -> new Candidate());
      candidate.rank = Math.min(candidate.rank, rank);
      candidate.confidence = 1 - (1 - candidate.confidence) * (1 - confidence);
      candidate.reasons.addObject().put("code", code).put("text", text).putObject("values").put("channel", channel);
    }

    String label(String channel) {
      return policy.at("/preference/channels").path(channel).path("label").asText(channel);
    }

    Map<String, String> severities(String text, String language) {
      Collection<String> codes = languages.containsKey(language) ? new LinkedHashSet<>(List.of(language, "en")) : languages.keySet();
      Map<String, String> found = new LinkedHashMap<>();
      for (String code : codes) {
        Vocabulary vocabulary = languages.get(code);
        vocabulary.severities().forEach((severity, phrases) -> {
          if (!found.containsKey(severity)) {
            String words = first(phrases, text, deniable.contains(severity) ? vocabulary : null);
            if (!words.isEmpty()) found.put(severity, words);
          }
        });
      }
      return found;
    }

    static String first(List<Phrase> phrases, String text, Vocabulary deniers) {
      for (Phrase phrase : phrases) {
        if (text.contains(phrase.anchor())) {
          for (Matcher match = phrase.pattern().matcher(text); match.find();) {
            if (deniers == null || !denied(deniers, text, match.start(), match.end())) return match.group();
          }
        }
      }
      return "";
    }

    static boolean denied(Vocabulary words, String text, int start, int end) {
      return words.before() != null && words.before().matcher(text).region(Math.max(0, start - 2 * GAP), start).useTransparentBounds(true).find()
          || words.after() != null && words.after().matcher(text).region(end, text.length()).lookingAt();
    }

    static String normal(String text) {
      text = SPACES.matcher(text.strip()).replaceAll(" ").toLowerCase(Locale.ROOT).replace('’', '\'').replace('`', '\'').replace('´', '\'');
      if (text.chars().allMatch(letter -> letter < 128)) return text;
      return Normalizer.normalize(ACCENTS.matcher(Normalizer.normalize(text, Normalizer.Form.NFD)).replaceAll(""), Normalizer.Form.NFC);
    }

    static List<Phrase> phrases(JsonNode given) {
      return texts(given).stream().map(Decisions::phrase).collect(Collectors.toList());
    }

    static Phrase phrase(String text) {
      boolean open = text.strip().endsWith("*");
      String[] parts = normal(text).replaceAll("\\*$", "").split("\\s*\\.\\.\\.\\s*");
      List<String> words = new ArrayList<>();
      for (int number = 0; number < parts.length; number++) {
        String part = parts[number], last = part.substring(part.length() - 1);
        String start = NO_SPACES.matcher(part).lookingAt() ? "" : "(?<!\\w)";
        String end = open && number == parts.length - 1 ? "\\w*" : NO_SPACES.matcher(last).lookingAt() ? "" : "(?!\\w)";
        words.add(start + Pattern.quote(part) + end);
      }
      return new Phrase(parts[0], Pattern.compile(String.join("[^" + CLAUSE + "]{0," + GAP + "}?", words), Pattern.UNICODE_CHARACTER_CLASS));
    }

    static Pattern either(JsonNode words, String opening, String closing) {
      String known = texts(words).stream().map(word -> Pattern.quote(normal(word))).collect(Collectors.joining("|"));
      return known.isEmpty() ? null : Pattern.compile(opening + known + closing, Pattern.UNICODE_CHARACTER_CLASS);
    }

    static List<String> texts(JsonNode array) {
      return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asText).collect(Collectors.toList());
    }

    static boolean has(JsonNode array, String text) {
      return StreamSupport.stream(array.spliterator(), false).anyMatch(one -> one.asText().equals(text));
    }

    /** A name-based UUID (RFC 9562, version 5) in the project's namespace. */
    static String stableId(String... parts) {
      try {
        MessageDigest sha = MessageDigest.getInstance("SHA-1");
        UUID namespace = UUID.fromString("6f0c9a53-54d4-5f0e-9a3c-0f6f4c1d2b7e");
        sha.update(ByteBuffer.allocate(16).putLong(namespace.getMostSignificantBits()).putLong(namespace.getLeastSignificantBits()).flip());
        ByteBuffer digest = ByteBuffer.wrap(sha.digest(String.join("\u001f", parts).getBytes(StandardCharsets.UTF_8)));
        long high = digest.getLong() & ~0xF000L | 0x5000L, low = digest.getLong() & 0x3FFFFFFFFFFFFFFFL | 0x8000000000000000L;
        return new UUID(high, low).toString();
      } catch (NoSuchAlgorithmException error) {
        throw new IllegalStateException(error);
      }
    }
  }
}
