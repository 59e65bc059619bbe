-- Bring one database with netsky's earlier tables, those without `egress` or with ids of 32 bits, to
-- the tables of schema.sql. For MySQL 5.7, 8 and MariaDB 10.5 or newer, by the command line client:
--
--     mysql --init-command="SET @hours_ahead_of_utc = 8" netsky_cu < upgrade.sql
--
-- 8: update_time was stored in the time of China; 0: in UTC. docs/upgrade.md tells the whole way.
--
-- Each earlier table is copied into <table>_upgrade, which then takes its place at one stroke; the
-- earlier one stays as <table>_before_upgrade. Tables that are missing are made. Safe to apply
-- again, after a failure, too: tables of today are left as they are. A failed run leaves
-- procedures netsky_upgrade_* behind, which the next one replaces.

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
CALL netsky_upgrade_add('netsky_live_baseline', '(
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  province VARCHAR(40) NOT NULL,
  value FLOAT,
  update_time DATETIME NOT NULL,
  PRIMARY KEY (isp, egress, province)
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
  serial BIGINT UNSIGNED NOT NULL DEFAULT 0,
  PRIMARY KEY (isp, egress, province, started_at),
  KEY index_netsky_sweep_startedat (started_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
PARTITION BY RANGE COLUMNS (started_at) (PARTITION later VALUES LESS THAN (MAXVALUE))');

DROP PROCEDURE netsky_upgrade_run;
DROP PROCEDURE netsky_upgrade_look;
DROP PROCEDURE netsky_upgrade_check;
DROP PROCEDURE netsky_upgrade_create;
DROP PROCEDURE netsky_upgrade_fill;
DROP PROCEDURE netsky_upgrade_add;
DROP PROCEDURE netsky_upgrade_table;
