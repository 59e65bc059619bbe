-- Bring one database with netsky's earlier tables, those without `egress`, with ids of 32 bits, or without
-- netsky_sweep, to the tables of schema.sql. For MySQL 5.7, 8 and MariaDB 10.5 or newer, by the command line client:
--
--     mysql --init-command="SET @hours_ahead_of_utc = 8" netsky_cu < upgrade.sql
--
-- 8: update_time was stored in the time of China; 0: in UTC. docs/upgrade.md tells the whole way.
--
-- Each earlier table is copied into <table>_upgrade, which then takes its place at one stroke; the
-- earlier one stays as <table>_before_upgrade. Tables that are missing are made, netsky_sweep is divided
-- into days and gets the history. Safe to apply again, after a failure, too: tables of today are left as
-- they are, and of the history only goes over what is not there yet. A failed run leaves procedures
-- netsky_upgrade_* behind, which the next one replaces.

-- Whatever this server's mode: an id of 0 stays 0, and what does not fit is an error.
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION';

-- A second run in the same database waits for the first, and then finds nothing left to do.
DO GET_LOCK(CONCAT_WS(' ', 'netsky_upgrade', MD5(DATABASE())), 86400);

DROP PROCEDURE IF EXISTS netsky_upgrade_run;
DROP PROCEDURE IF EXISTS netsky_upgrade_look;
DROP PROCEDURE IF EXISTS netsky_upgrade_check;
DROP PROCEDURE IF EXISTS netsky_upgrade_create;
DROP PROCEDURE IF EXISTS netsky_upgrade_fill;
DROP PROCEDURE IF EXISTS netsky_upgrade_add;
DROP PROCEDURE IF EXISTS netsky_upgrade_column;
DROP PROCEDURE IF EXISTS netsky_upgrade_days;
DROP PROCEDURE IF EXISTS netsky_upgrade_history;
DROP PROCEDURE IF EXISTS netsky_upgrade_table;

DELIMITER //

-- Run a statement in which {table} stands for the table's name.
CREATE PROCEDURE netsky_upgrade_run(for_table VARCHAR(64), template TEXT)
BEGIN
  SET @netsky_statement = REPLACE(template, '{table}', for_table);
  PREPARE netsky_statement FROM @netsky_statement;
  EXECUTE netsky_statement;
  DEALLOCATE PREPARE netsky_statement;
END//

-- @netsky_is_there, @netsky_is_todays, @netsky_has_backup: what there is of a table.
CREATE PROCEDURE netsky_upgrade_look(for_table VARCHAR(64))
BEGIN
  CALL netsky_upgrade_run(for_table, '
    SELECT COUNT(CASE WHEN table_name = "{table}" THEN 1 END) > 0,
           COUNT(CASE WHEN table_name = "{table}" AND column_name = "egress" THEN 1 END) > 0,
           COUNT(CASE WHEN table_name = "{table}_before_upgrade" THEN 1 END) > 0
      INTO @netsky_is_there, @netsky_is_todays, @netsky_has_backup
      FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name IN ("{table}", "{table}_before_upgrade")');
END//

-- Stop before anything is changed, unless all is clear.
CREATE PROCEDURE netsky_upgrade_check(for_table VARCHAR(64))
BEGIN
  DECLARE complaint VARCHAR(128);
  CALL netsky_upgrade_look(for_table);
  IF NOT @netsky_is_todays AND (@netsky_is_there OR @netsky_has_backup) THEN
    IF @netsky_is_there AND @netsky_has_backup THEN
      SET complaint = CONCAT(
        for_table, '_before_upgrade is in the way: rename or drop it, then apply upgrade.sql again');
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = complaint;
    END IF;
    -- Not guessed: 8 hours too many or too few would go unnoticed. Whole hours only.
    IF (@hours_ahead_of_utc BETWEEN -12 AND 14
        AND CAST(CAST(@hours_ahead_of_utc AS SIGNED) AS CHAR) = CAST(@hours_ahead_of_utc AS CHAR)
       ) IS NOT TRUE THEN
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT =
        'is update_time local or UTC? say mysql --init-command="SET @hours_ahead_of_utc = 8" for China, 0 for UTC';
    END IF;
  END IF;
END//

-- The same definitions as in schema.sql.
CREATE PROCEDURE netsky_upgrade_create(for_table VARCHAR(64))
BEGIN
  IF for_table = 'netsky_avg_lossrate' THEN
    CALL netsky_upgrade_run(for_table, '
      CREATE TABLE {table}_upgrade (
        name VARCHAR(40) NOT NULL,
        egress VARCHAR(40) NOT NULL DEFAULT "default",
        value FLOAT,
        update_time DATETIME NOT NULL,
        PRIMARY KEY (name, egress)
      ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
  ELSE
    CALL netsky_upgrade_run(for_table, '
      CREATE TABLE {table}_upgrade (
        {table}_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
        name VARCHAR(40) NOT NULL,
        value FLOAT,
        province VARCHAR(40) NOT NULL,
        update_time DATETIME NOT NULL,
        egress VARCHAR(40) NOT NULL DEFAULT "default",
        PRIMARY KEY ({table}_id),
        UNIQUE KEY unique_{table} (name, egress, update_time),
        KEY index_{table}_updatetime (update_time)
      ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
  END IF;
END//

-- Copy what can go over: rows with a name, a province and a time; of duplicates the one with the
-- lowest id, of a mean under both spellings of shaanxi the newest.
CREATE PROCEDURE netsky_upgrade_fill(for_table VARCHAR(64))
BEGIN
  IF for_table = 'netsky_avg_lossrate' THEN
    CALL netsky_upgrade_run(for_table, '
      INSERT INTO {table}_upgrade (name, value, update_time)
      SELECT REPLACE(name, "_shannxi_", "_shaanxi_"), value,
             update_time - INTERVAL @hours_ahead_of_utc HOUR
        FROM {table}
       WHERE name IS NOT NULL AND YEAR(update_time) > 0
       ORDER BY update_time DESC
          ON DUPLICATE KEY UPDATE name = {table}_upgrade.name');
  ELSE
    -- In parts: one transaction of millions of rows is hard on logs and replicas.
    CALL netsky_upgrade_run(for_table, '
      SELECT MIN({table}_id), MAX({table}_id) INTO @netsky_first, @netsky_last FROM {table}');
    WHILE @netsky_first <= @netsky_last DO
      CALL netsky_upgrade_run(for_table, '
        INSERT INTO {table}_upgrade ({table}_id, name, value, province, update_time)
        SELECT {table}_id, REPLACE(name, "_shannxi_", "_shaanxi_"), value, province,
               update_time - INTERVAL @hours_ahead_of_utc HOUR
          FROM {table}
         WHERE {table}_id BETWEEN @netsky_first AND @netsky_first + 99999
           AND name IS NOT NULL AND province IS NOT NULL AND YEAR(update_time) > 0
         ORDER BY {table}_id
            ON DUPLICATE KEY UPDATE {table}_id = {table}_upgrade.{table}_id');
      SET @netsky_first = @netsky_first + 100000;
    END WHILE;
  END IF;
END//

-- The tables that came later; see schema.sql for what is in them.
CREATE PROCEDURE netsky_upgrade_add(for_table VARCHAR(64), definition TEXT)
BEGIN
  CALL netsky_upgrade_run(for_table, '
    SELECT COUNT(*) INTO @netsky_is_there FROM information_schema.tables
     WHERE table_schema = DATABASE() AND table_name = "{table}"');
  IF @netsky_is_there THEN
    CALL netsky_upgrade_run(for_table, 'SELECT "is of today, left as it is" AS {table}');
  ELSE
    CALL netsky_upgrade_run(for_table, CONCAT('CREATE TABLE {table} ', definition));
    CALL netsky_upgrade_run(for_table, 'SELECT "was missing, made empty" AS {table}');
  END IF;
END//

-- A column that a table does not have yet.
CREATE PROCEDURE netsky_upgrade_column(for_table VARCHAR(64), new_column VARCHAR(64), definition VARCHAR(64))
BEGIN
  -- Not compared with the parameter itself, which has the collation of this database.
  CALL netsky_upgrade_run(for_table, CONCAT('
    SELECT COUNT(*) INTO @netsky_is_there FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = "{table}" AND column_name = "', new_column, '"'));
  IF NOT @netsky_is_there THEN
    CALL netsky_upgrade_run(for_table, CONCAT(
      'ALTER TABLE {table} ADD COLUMN ', new_column, ' ', definition));
  END IF;
END//

-- See that netsky_sweep has a part for each day of the history, and a week ahead. What is older than
-- @keep_days (35) is one part: more parts than needed make a server slow.
CREATE PROCEDURE netsky_upgrade_days()
BEGIN
  DECLARE next_end DATETIME;
  SELECT COUNT(*) INTO @netsky_is_divided FROM information_schema.partitions
   WHERE table_schema = DATABASE() AND table_name = 'netsky_sweep' AND partition_name IS NOT NULL;
  SET SESSION group_concat_max_len = 1000000;
  DROP TEMPORARY TABLE IF EXISTS netsky_upgrade_day;
  CREATE TEMPORARY TABLE netsky_upgrade_day (day_end DATETIME PRIMARY KEY);
  SELECT GREATEST(COALESCE(DATE(MIN(update_time)), UTC_DATE()), UTC_DATE() - INTERVAL COALESCE(@keep_days, 35) DAY)
         + INTERVAL 1 DAY INTO next_end FROM netsky_lossrate;
  WHILE @netsky_is_divided AND next_end <= UTC_DATE() + INTERVAL 7 DAY DO
    INSERT INTO netsky_upgrade_day VALUES (next_end);
    SET next_end = next_end + INTERVAL 1 DAY;
  END WHILE;
  DELETE FROM netsky_upgrade_day WHERE CONCAT('\'', day_end, '\'') IN (
    SELECT partition_description FROM information_schema.partitions
     WHERE table_schema = DATABASE() AND table_name = 'netsky_sweep');
  SELECT MIN(day_end) INTO next_end FROM netsky_upgrade_day;
  WHILE next_end IS NOT NULL DO
    -- The part that this day is in is divided into all days that are missing in it.
    SELECT partition_name, partition_description INTO @netsky_part, @netsky_part_end
      FROM information_schema.partitions
     WHERE table_schema = DATABASE() AND table_name = 'netsky_sweep'
       AND (partition_description = 'MAXVALUE'
            OR partition_description > CONCAT('\'', next_end, '\''))
     ORDER BY partition_ordinal_position LIMIT 1;
    SELECT GROUP_CONCAT('PARTITION before_', DATE_FORMAT(day_end, '%Y_%m_%d'),
                        ' VALUES LESS THAN (\'', day_end, '\'), '
                        ORDER BY day_end SEPARATOR '')
      INTO @netsky_days FROM netsky_upgrade_day
     WHERE @netsky_part_end = 'MAXVALUE'
        OR CONCAT('\'', day_end, '\'') < @netsky_part_end;
    DELETE FROM netsky_upgrade_day
     WHERE @netsky_part_end = 'MAXVALUE'
        OR CONCAT('\'', day_end, '\'') < @netsky_part_end;
    CALL netsky_upgrade_run('netsky_sweep', CONCAT(
      'ALTER TABLE {table} REORGANIZE PARTITION ', @netsky_part, ' INTO (', @netsky_days,
      'PARTITION ', @netsky_part, ' VALUES LESS THAN (', @netsky_part_end, '))'));
    SELECT MIN(day_end) INTO next_end FROM netsky_upgrade_day;
  END WHILE;
  DROP TEMPORARY TABLE netsky_upgrade_day;
END//

-- What is only in the narrow tables goes into netsky_sweep, too: rates and latency, for no more is known.
-- Nobody waits for that: it takes no locks on what it reads, and goes in parts.
CREATE PROCEDURE netsky_upgrade_history()
BEGIN
  DECLARE first_id, last_id BIGINT UNSIGNED;
  SET @netsky_carried_over = 0;
  SELECT MIN(netsky_lossrate_id), MAX(netsky_lossrate_id) INTO first_id, last_id
    FROM netsky_lossrate;
  INSERT INTO netsky_line (isp, egress, serial)
  SELECT DISTINCT LOWER(SUBSTRING_INDEX(SUBSTRING_INDEX(name, '_', 2), '_', -1)), egress, 0
    FROM (SELECT name, egress FROM netsky_lossrate GROUP BY name, egress) AS names
   WHERE name REGEXP '^netsky_[A-Z0-9]{1,7}_[a-z]+_lossrate$'
      ON DUPLICATE KEY UPDATE serial = netsky_line.serial;
  WHILE first_id <= last_id DO
    INSERT INTO netsky_sweep (isp, egress, province, started_at, lossrate, abnormalrate, mean)
    SELECT LOWER(SUBSTRING_INDEX(SUBSTRING_INDEX(loss.name, '_', 2), '_', -1)), loss.egress,
           loss.province, loss.update_time, loss.value, abnormal.value, latency.value
      FROM netsky_lossrate AS loss
      LEFT JOIN netsky_abnormalrate AS abnormal
        ON abnormal.name = REPLACE(loss.name, '_lossrate', '_abnormalrate')
       AND abnormal.egress = loss.egress AND abnormal.update_time = loss.update_time
      LEFT JOIN netsky_latency AS latency
        ON latency.name = REPLACE(loss.name, '_lossrate', '_latency')
       AND latency.egress = loss.egress AND latency.update_time = loss.update_time
     WHERE loss.netsky_lossrate_id BETWEEN first_id AND first_id + 99999
       AND loss.name REGEXP '^netsky_[A-Z0-9]{1,7}_[a-z]+_lossrate$'
        ON DUPLICATE KEY UPDATE isp = netsky_sweep.isp;
    SET @netsky_carried_over = @netsky_carried_over + ROW_COUNT();
    SET first_id = first_id + 100000;
  END WHILE;
  SELECT CONCAT('history: ', @netsky_carried_over, ' rows carried over') AS netsky_sweep;
END//

CREATE PROCEDURE netsky_upgrade_table(for_table VARCHAR(64))
BEGIN
  CALL netsky_upgrade_look(for_table);
  IF @netsky_is_todays THEN
    CALL netsky_upgrade_run(for_table, '
      SELECT COUNT(*) INTO @netsky_has_narrow_id FROM information_schema.columns
       WHERE table_schema = DATABASE() AND table_name = "{table}"
         AND column_name = "{table}_id" AND data_type = "int"');
    IF @netsky_has_narrow_id THEN
      -- The table is copied; whoever writes to it waits, and sweeps wait in their spool.
      CALL netsky_upgrade_run(for_table, '
        ALTER TABLE {table} MODIFY {table}_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT');
      CALL netsky_upgrade_run(for_table, 'SELECT "ids are wider now" AS {table}');
    ELSE
      CALL netsky_upgrade_run(for_table, 'SELECT "is of today, left as it is" AS {table}');
    END IF;
  ELSE
    IF NOT @netsky_is_there AND @netsky_has_backup THEN
      -- The server went down between the two halves of the RENAME below, which not all do at once.
      CALL netsky_upgrade_run(for_table, 'RENAME TABLE {table}_before_upgrade TO {table}');
      SET @netsky_is_there = TRUE;
    END IF;
    CALL netsky_upgrade_run(for_table, 'DROP TABLE IF EXISTS {table}_upgrade');
    CALL netsky_upgrade_create(for_table);
    IF @netsky_is_there THEN
      CALL netsky_upgrade_fill(for_table);
      CALL netsky_upgrade_run(for_table, '
        SELECT COUNT(*) INTO @netsky_carried_over FROM {table}_upgrade');
      CALL netsky_upgrade_run(for_table, '
        RENAME TABLE {table} TO {table}_before_upgrade, {table}_upgrade TO {table}');
      CALL netsky_upgrade_run(for_table, '
        SELECT CONCAT("upgraded: ", @netsky_carried_over, " rows carried over, ",
                      COUNT(*) - @netsky_carried_over, " only in {table}_before_upgrade"
                     ) AS {table}
          FROM {table}_before_upgrade');
    ELSE
      CALL netsky_upgrade_run(for_table, 'RENAME TABLE {table}_upgrade TO {table}');
      CALL netsky_upgrade_run(for_table, 'SELECT "was missing, made empty" AS {table}');
    END IF;
  END IF;
END//

DELIMITER ;

CALL netsky_upgrade_check('netsky_lossrate');
CALL netsky_upgrade_check('netsky_abnormalrate');
CALL netsky_upgrade_check('netsky_latency');
CALL netsky_upgrade_check('netsky_avg_lossrate');

CALL netsky_upgrade_table('netsky_lossrate');
CALL netsky_upgrade_table('netsky_abnormalrate');
CALL netsky_upgrade_table('netsky_latency');
CALL netsky_upgrade_table('netsky_avg_lossrate');

CALL netsky_upgrade_add('netsky_line', '(
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  serial BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (isp, egress)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
CALL netsky_upgrade_add('netsky_host', '(
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  recent TEXT NOT NULL,
  PRIMARY KEY (isp, egress)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
CALL netsky_upgrade_add('netsky_live_baseline', '(
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  province VARCHAR(40) NOT NULL,
  value FLOAT,
  update_time DATETIME NOT NULL,
  PRIMARY KEY (isp, egress, province)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
CALL netsky_upgrade_add('netsky_usual', '(
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  province VARCHAR(40) NOT NULL,
  targets VARCHAR(4) NOT NULL,
  value DOUBLE,
  low DOUBLE,
  high DOUBLE,
  scatter DOUBLE,
  noise DOUBLE,
  days INT UNSIGNED NOT NULL,
  sweeps INT UNSIGNED NOT NULL,
  seasonal DOUBLE,
  level DOUBLE,
  grade VARCHAR(10) NOT NULL,
  recent TEXT NOT NULL,
  begins DATETIME,
  accepted DATETIME,
  risen_since DATETIME,
  calm INT UNSIGNED NOT NULL,
  swept_at DATETIME,
  start DATETIME NOT NULL,
  noticed DOUBLE,
  PRIMARY KEY (isp, egress, province, targets)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
CALL netsky_upgrade_add('netsky_usual_bucket', '(
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  start DATETIME NOT NULL,
  provinces TEXT NOT NULL,
  PRIMARY KEY (isp, egress, start)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
CALL netsky_upgrade_add('netsky_hourly', '(
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  province VARCHAR(40) NOT NULL,
  start DATETIME NOT NULL,
  sweeps INT UNSIGNED NOT NULL,
  sent BIGINT UNSIGNED,
  lost BIGINT UNSIGNED,
  live_sent BIGINT UNSIGNED,
  live_lost BIGINT UNSIGNED,
  mean FLOAT,
  p95 FLOAT,
  alarm_minutes INT UNSIGNED NOT NULL DEFAULT 0,
  tainted_sweeps INT UNSIGNED NOT NULL DEFAULT 0,
  judged_sweeps INT UNSIGNED NOT NULL DEFAULT 0,
  bad_sweeps INT UNSIGNED NOT NULL DEFAULT 0,
  PRIMARY KEY (isp, egress, province, start)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
CALL netsky_upgrade_add('netsky_daily', '(
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  province VARCHAR(40) NOT NULL,
  start DATETIME NOT NULL,
  sweeps INT UNSIGNED NOT NULL,
  sent BIGINT UNSIGNED,
  lost BIGINT UNSIGNED,
  live_sent BIGINT UNSIGNED,
  live_lost BIGINT UNSIGNED,
  mean FLOAT,
  p95 FLOAT,
  alarm_minutes INT UNSIGNED NOT NULL DEFAULT 0,
  tainted_sweeps INT UNSIGNED NOT NULL DEFAULT 0,
  judged_sweeps INT UNSIGNED NOT NULL DEFAULT 0,
  bad_sweeps INT UNSIGNED NOT NULL DEFAULT 0,
  PRIMARY KEY (isp, egress, province, start)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
CALL netsky_upgrade_add('netsky_rollup_due', '(
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  start DATETIME NOT NULL,
  PRIMARY KEY (isp, egress, start)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
CALL netsky_upgrade_add('netsky_alarm', '(
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  province VARCHAR(40) NOT NULL,
  minute DATETIME NOT NULL,
  PRIMARY KEY (isp, egress, province, minute)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
CALL netsky_upgrade_add('netsky_verdict', '(
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  recent TEXT NOT NULL,
  PRIMARY KEY (isp, egress)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
CALL netsky_upgrade_add('netsky_incident', '(
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  opened_at DATETIME NOT NULL,
  changed_at DATETIME NOT NULL,
  cleared_at DATETIME,
  severity VARCHAR(10) NOT NULL,
  peak_severity VARCHAR(10) NOT NULL,
  peak_increase FLOAT NOT NULL,
  peak_provinces INT UNSIGNED NOT NULL,
  provinces TEXT NOT NULL,
  prefixes TEXT,
  evidence TEXT,
  given_up BOOL NOT NULL DEFAULT 0,
  PRIMARY KEY (id),
  KEY index_netsky_incident_line (isp, egress, cleared_at),
  KEY index_netsky_incident_openedat (opened_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
CALL netsky_upgrade_add('netsky_trace', '(
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  taken_at DATETIME NOT NULL,
  province VARCHAR(40) NOT NULL,
  incident_id BIGINT UNSIGNED NOT NULL,
  reason VARCHAR(10) NOT NULL,
  targets INT UNSIGNED NOT NULL,
  sent INT UNSIGNED NOT NULL,
  lost INT UNSIGNED NOT NULL,
  finding VARCHAR(10) NOT NULL,
  after_hop INT UNSIGNED,
  at_latest_hop INT UNSIGNED,
  hops TEXT NOT NULL,
  path_changes TEXT NOT NULL,
  file VARCHAR(120) NOT NULL,
  PRIMARY KEY (isp, egress, taken_at, province),
  KEY index_netsky_trace_incident (incident_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin');
CALL netsky_upgrade_add('netsky_sweep', '(
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  province VARCHAR(40) NOT NULL,
  started_at DATETIME NOT NULL,
  lossrate FLOAT,
  abnormalrate FLOAT,
  mean FLOAT,
  p50 FLOAT,
  p95 FLOAT,
  p99 FLOAT,
  max FLOAT,
  targets INT UNSIGNED,
  sent INT UNSIGNED,
  received INT UNSIGNED,
  abnormal INT UNSIGNED,
  live_targets INT UNSIGNED,
  live_sent INT UNSIGNED,
  live_lost INT UNSIGNED,
  tainted BOOL NOT NULL DEFAULT 0,
  prefixes TEXT,
  serial BIGINT UNSIGNED NOT NULL DEFAULT 0,
  PRIMARY KEY (isp, egress, province, started_at),
  KEY index_netsky_sweep_startedat (started_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
PARTITION BY RANGE COLUMNS (started_at) (PARTITION later VALUES LESS THAN (MAXVALUE))');

CALL netsky_upgrade_column('netsky_sweep', 'lossrate', 'FLOAT');
CALL netsky_upgrade_column('netsky_sweep', 'abnormalrate', 'FLOAT');
CALL netsky_upgrade_column('netsky_sweep', 'mean', 'FLOAT');
CALL netsky_upgrade_column('netsky_sweep', 'p50', 'FLOAT');
CALL netsky_upgrade_column('netsky_sweep', 'p95', 'FLOAT');
CALL netsky_upgrade_column('netsky_sweep', 'p99', 'FLOAT');
CALL netsky_upgrade_column('netsky_sweep', 'max', 'FLOAT');
CALL netsky_upgrade_column('netsky_sweep', 'targets', 'INT UNSIGNED');
CALL netsky_upgrade_column('netsky_sweep', 'sent', 'INT UNSIGNED');
CALL netsky_upgrade_column('netsky_sweep', 'received', 'INT UNSIGNED');
CALL netsky_upgrade_column('netsky_sweep', 'abnormal', 'INT UNSIGNED');
CALL netsky_upgrade_column('netsky_sweep', 'live_targets', 'INT UNSIGNED');
CALL netsky_upgrade_column('netsky_sweep', 'live_sent', 'INT UNSIGNED');
CALL netsky_upgrade_column('netsky_sweep', 'live_lost', 'INT UNSIGNED');
CALL netsky_upgrade_column('netsky_sweep', 'prefixes', 'TEXT');
CALL netsky_upgrade_column('netsky_sweep', 'tainted', 'BOOL NOT NULL DEFAULT 0');
CALL netsky_upgrade_column('netsky_sweep', 'serial', 'BIGINT UNSIGNED NOT NULL DEFAULT 0');
CALL netsky_upgrade_column('netsky_incident', 'given_up', 'BOOL NOT NULL DEFAULT 0');
CALL netsky_upgrade_column('netsky_usual', 'noticed', 'DOUBLE');
-- Hours that were summed up without judging their sweeps are due again, as far as these are still there.
INSERT IGNORE INTO netsky_rollup_due (isp, egress, start)
SELECT DISTINCT isp, egress, start FROM netsky_hourly
 WHERE start > (SELECT MIN(started_at) FROM netsky_sweep) - INTERVAL 1 HOUR
   AND NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE()
                      AND table_name = 'netsky_hourly' AND column_name = 'bad_sweeps');
CALL netsky_upgrade_column('netsky_daily', 'tainted_sweeps', 'INT UNSIGNED NOT NULL DEFAULT 0');
CALL netsky_upgrade_column('netsky_daily', 'judged_sweeps', 'INT UNSIGNED NOT NULL DEFAULT 0');
CALL netsky_upgrade_column('netsky_daily', 'bad_sweeps', 'INT UNSIGNED NOT NULL DEFAULT 0');
CALL netsky_upgrade_column('netsky_hourly', 'tainted_sweeps', 'INT UNSIGNED NOT NULL DEFAULT 0');
CALL netsky_upgrade_column('netsky_hourly', 'judged_sweeps', 'INT UNSIGNED NOT NULL DEFAULT 0');
CALL netsky_upgrade_column('netsky_hourly', 'bad_sweeps', 'INT UNSIGNED NOT NULL DEFAULT 0');
-- And those that an earlier averaging, of this or another host, has summed up since: whoever judges counts them.
INSERT IGNORE INTO netsky_rollup_due (isp, egress, start)
SELECT DISTINCT isp, egress, start FROM netsky_hourly
 WHERE live_sent > 0 AND judged_sweeps = 0
   AND start > (SELECT MIN(started_at) FROM netsky_sweep) - INTERVAL 1 HOUR;

SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
CALL netsky_upgrade_days();
CALL netsky_upgrade_history();

DROP PROCEDURE netsky_upgrade_run;
DROP PROCEDURE netsky_upgrade_look;
DROP PROCEDURE netsky_upgrade_check;
DROP PROCEDURE netsky_upgrade_create;
DROP PROCEDURE netsky_upgrade_fill;
DROP PROCEDURE netsky_upgrade_add;
DROP PROCEDURE netsky_upgrade_column;
DROP PROCEDURE netsky_upgrade_days;
DROP PROCEDURE netsky_upgrade_history;
DROP PROCEDURE netsky_upgrade_table;
