package com.huntaze.ratelimiter.jdbc;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toList;
import static java.util.stream.Collectors.toSet;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import javax.sql.DataSource;
import org.h2.api.Trigger;

/**
 * What the database itself saw of every row: each claim and each completion, in order, taken down
 * by a trigger in the transaction that made it, with the connection it came from. Immutable.
 */
final class Audit {
  private static final String CLAIM = "claim";
  private static final String COMPLETION = "completion";

  private static final String TABLE =
      "CREATE TABLE audit (n BIGINT PRIMARY KEY, kind VARCHAR(16) NOT NULL,"
          + " id VARCHAR(128) NOT NULL, token VARCHAR(64), connection_id BIGINT NOT NULL)";

  /** Rows are locked as they are changed: of one row, the numbers are in the order of events. */
  private static final String SEQUENCE = "CREATE SEQUENCE audit_n";

  private static final String POSTGRESQL_FUNCTION =
      """
      CREATE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.lease_owner IS NOT NULL AND (NEW.lease_owner IS DISTINCT FROM OLD.lease_owner
            OR NEW.lease_until IS DISTINCT FROM OLD.lease_until) THEN
          INSERT INTO audit
          VALUES (nextval('audit_n'), 'claim', NEW.id, NEW.lease_owner, pg_backend_pid());
        END IF;
        IF NEW.status = 'queued' AND (OLD.status <> 'queued'
            OR NEW.queued_at IS DISTINCT FROM OLD.queued_at) THEN
          INSERT INTO audit
          VALUES (nextval('audit_n'), 'completion', NEW.id, OLD.lease_owner, pg_backend_pid());
        END IF;
        RETURN NULL;
      END $$\
      """;

  private static final String POSTGRESQL_TRIGGER =
      "CREATE TRIGGER audit AFTER UPDATE ON onlyfans_messages"
          + " FOR EACH ROW EXECUTE FUNCTION audit_change()";

  private static final String MARIADB_TRIGGER =
      """
      CREATE TRIGGER audit AFTER UPDATE ON onlyfans_messages FOR EACH ROW
      BEGIN
        IF NEW.lease_owner IS NOT NULL AND (NOT NEW.lease_owner <=> OLD.lease_owner
            OR NOT NEW.lease_until <=> OLD.lease_until) THEN
          INSERT INTO audit
          VALUES (NEXTVAL(audit_n), 'claim', NEW.id, NEW.lease_owner, CONNECTION_ID());
        END IF;
        IF NEW.status = 'queued' AND (OLD.status <> 'queued'
            OR NOT NEW.queued_at <=> OLD.queued_at) THEN
          INSERT INTO audit
          VALUES (NEXTVAL(audit_n), 'completion', NEW.id, OLD.lease_owner, CONNECTION_ID());
        END IF;
      END\
      """;

  private static final String H2_TRIGGER =
      "CREATE TRIGGER audit AFTER UPDATE ON onlyfans_messages FOR EACH ROW CALL '"
          + OnH2.class.getName()
          + "'";

  private static final String ROWS =
      "SELECT id, COALESCE(creator_id, user_id), status FROM onlyfans_messages ORDER BY seq";

  private record Row(String id, String creator, String status) {}

  private record Event(String kind, String id, String token, long connection) {}

  private final List<Row> rows;
  private final List<Event> events;

  private Audit(List<Row> rows, List<Event> events) {
    this.rows = rows;
    this.events = events;
  }

  /** Begins to take down what happens in a database that has our tables. */
  static void begin(TestDatabase kind, DataSource database) throws SQLException {
    TestDatabase.update(database, TABLE);
    TestDatabase.update(database, SEQUENCE);
    switch (kind) {
      case POSTGRESQL -> {
        TestDatabase.update(database, POSTGRESQL_FUNCTION);
        TestDatabase.update(database, POSTGRESQL_TRIGGER);
      }
      case MARIADB -> TestDatabase.update(database, MARIADB_TRIGGER);
      case H2 -> TestDatabase.update(database, H2_TRIGGER);
    }
  }

  static Audit read(DataSource database) throws SQLException {
    List<Row> rows = new ArrayList<>();
    List<Event> events = new ArrayList<>();
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      try (ResultSet each = statement.executeQuery(ROWS)) {
        while (each.next()) {
          rows.add(new Row(each.getString(1), each.getString(2), each.getString(3)));
        }
      }
      try (ResultSet each =
          statement.executeQuery("SELECT kind, id, token, connection_id FROM audit ORDER BY n")) {
        while (each.next()) {
          events.add(
              new Event(each.getString(1), each.getString(2), each.getString(3), each.getLong(4)));
        }
      }
    }
    return new Audit(rows, events);
  }

  int rows() {
    return rows.size();
  }

  /** How many claims and completions of rows there were. */
  int events() {
    return events.size();
  }

  /** Rows that were not replayed. */
  List<String> waiting() {
    return rows.stream()
        .filter(row -> !row.status().equals("queued"))
        .map(row -> row.id() + " is " + row.status())
        .toList();
  }

  /** Rows that were claimed, each as often as it was. */
  List<String> claims() {
    return idsOf(CLAIM);
  }

  /** Rows that were completed, each as often as it was. */
  List<String> completions() {
    return idsOf(COMPLETION);
  }

  private List<String> idsOf(String kind) {
    return events.stream().filter(event -> event.kind().equals(kind)).map(Event::id).toList();
  }

  /** How often a row was claimed again, since a lease had lapsed. */
  long claimsAgain() {
    return claims().size() - claims().stream().distinct().count();
  }

  /** How many connections claimed something. */
  long claimers() {
    return events.stream()
        .filter(event -> event.kind().equals(CLAIM))
        .mapToLong(Event::connection)
        .distinct()
        .count();
  }

  /**
   * Completions by anyone but the row's latest claimer: under another claim's token, or on another
   * connection than the claim was made.
   */
  List<String> staleCompletions() {
    List<String> stale = new ArrayList<>();
    Map<String, Event> latest = new HashMap<>();
    for (Event event : events) {
      if (event.kind().equals(CLAIM)) {
        latest.put(event.id(), event);
      } else {
        Event claim = latest.get(event.id());
        if (claim == null
            || !Objects.equals(claim.token(), event.token())
            || claim.connection() != event.connection()) {
          stale.add(event + " after " + claim);
        }
      }
    }
    return stale;
  }

  /**
   * Claims of a row while an earlier row of the same creator was neither completed nor in the same
   * claim.
   */
  List<String> overtakings() {
    Map<String, Set<String>> claimedUnder =
        events.stream()
            .filter(event -> event.kind().equals(CLAIM))
            .collect(groupingBy(Event::token, mapping(Event::id, toSet())));
    Map<String, List<String>> idsByCreator =
        rows.stream().collect(groupingBy(Row::creator, mapping(Row::id, toList())));
    Map<String, String> creators = new HashMap<>();
    Map<String, Integer> places = new HashMap<>();
    rows.forEach(row -> creators.put(row.id(), row.creator()));
    for (List<String> ids : idsByCreator.values()) {
      for (int i = 0; i < ids.size(); i++) {
        places.put(ids.get(i), i);
      }
    }
    Set<String> completed = new HashSet<>();
    Map<String, Integer> firstOpen = new HashMap<>();
    List<String> overtakings = new ArrayList<>();
    for (Event event : events) {
      if (event.kind().equals(COMPLETION)) {
        completed.add(event.id());
        continue;
      }
      String creator = creators.get(event.id());
      List<String> ids = idsByCreator.get(creator);
      int i = firstOpen.getOrDefault(creator, 0);
      while (i < ids.size() && completed.contains(ids.get(i))) {
        i++;
      }
      firstOpen.put(creator, i);
      Set<String> together = claimedUnder.get(event.token());
      for (; i < places.get(event.id()); i++) {
        if (!completed.contains(ids.get(i)) && !together.contains(ids.get(i))) {
          overtakings.add(event.id() + " overtook " + ids.get(i) + " of " + creator);
          break;
        }
      }
    }
    return overtakings;
  }

  /** The trigger on H2, which calls it in this JVM. */
  public static final class OnH2 implements Trigger {
    private int id;
    private int status;
    private int owner;
    private int until;
    private int queuedAt;

    @Override
    public void init(
        Connection connection,
        String schema,
        String trigger,
        String table,
        boolean before,
        int type)
        throws SQLException {
      List<String> columns = new ArrayList<>();
      try (ResultSet each = connection.getMetaData().getColumns(null, schema, table, null)) {
        while (each.next()) {
          columns.add(each.getString("COLUMN_NAME"));
        }
      }
      id = columns.indexOf("ID");
      status = columns.indexOf("STATUS");
      owner = columns.indexOf("LEASE_OWNER");
      until = columns.indexOf("LEASE_UNTIL");
      queuedAt = columns.indexOf("QUEUED_AT");
    }

    @Override
    public void fire(Connection connection, Object[] before, Object[] after) throws SQLException {
      if (after[owner] != null
          && !(after[owner].equals(before[owner]) && Objects.equals(after[until], before[until]))) {
        add(connection, CLAIM, after[id], after[owner]);
      }
      if (after[status].equals("queued")
          && !(before[status].equals("queued")
              && Objects.equals(after[queuedAt], before[queuedAt]))) {
        add(connection, COMPLETION, after[id], before[owner]);
      }
    }

    private static void add(Connection connection, String kind, Object id, Object token)
        throws SQLException {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "INSERT INTO audit VALUES (NEXT VALUE FOR audit_n, ?, ?, ?, SESSION_ID())")) {
        statement.setString(1, kind);
        statement.setObject(2, id);
        statement.setObject(3, token);
        statement.executeUpdate();
      }
    }
  }
}
