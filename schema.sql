-- The tables of netsky for MySQL 5.7, 8 and MariaDB 10.5 or newer. Safe to apply again:
--
--     mysql -u root < schema.sql
--
-- Times are the start of the sweep in UTC, the same on all its rows. Rates are percent, latencies (`mean`
-- to `max`) milliseconds, NULL when nothing replied. netsky_sweep has a row for each province of a sweep;
-- netsky_lossrate, netsky_abnormalrate and netsky_latency hold three of its figures as netsky's earlier
-- tables do. netsky_get_avg_lossrate.py divides netsky_sweep into days.

CREATE DATABASE IF NOT EXISTS netsky_cu CHARACTER SET utf8mb4;
CREATE DATABASE IF NOT EXISTS netsky_cm CHARACTER SET utf8mb4;
CREATE DATABASE IF NOT EXISTS netsky_ct CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_lossrate (
  netsky_lossrate_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  name VARCHAR(40) NOT NULL,
  value FLOAT,
  province VARCHAR(40) NOT NULL,
  update_time DATETIME NOT NULL,
  egress VARCHAR(40) NOT NULL DEFAULT 'default',
  PRIMARY KEY (netsky_lossrate_id),
  UNIQUE KEY unique_netsky_lossrate (name, egress, update_time),
  KEY index_netsky_lossrate_updatetime (update_time)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_abnormalrate (
  netsky_abnormalrate_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  name VARCHAR(40) NOT NULL,
  value FLOAT,
  province VARCHAR(40) NOT NULL,
  update_time DATETIME NOT NULL,
  egress VARCHAR(40) NOT NULL DEFAULT 'default',
  PRIMARY KEY (netsky_abnormalrate_id),
  UNIQUE KEY unique_netsky_abnormalrate (name, egress, update_time),
  KEY index_netsky_abnormalrate_updatetime (update_time)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_latency (
  netsky_latency_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  name VARCHAR(40) NOT NULL,
  value FLOAT,
  province VARCHAR(40) NOT NULL,
  update_time DATETIME NOT NULL,
  egress VARCHAR(40) NOT NULL DEFAULT 'default',
  PRIMARY KEY (netsky_latency_id),
  UNIQUE KEY unique_netsky_latency (name, egress, update_time),
  KEY index_netsky_latency_updatetime (update_time)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_avg_lossrate (
  name VARCHAR(40) NOT NULL,
  egress VARCHAR(40) NOT NULL DEFAULT 'default',
  value FLOAT,
  update_time DATETIME NOT NULL,
  PRIMARY KEY (name, egress)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_sweep (
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
PARTITION BY RANGE COLUMNS (started_at) (PARTITION later VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_line (
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  serial BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (isp, egress)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_host (
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  recent TEXT NOT NULL,
  PRIMARY KEY (isp, egress)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_live_baseline (
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  province VARCHAR(40) NOT NULL,
  value FLOAT,
  update_time DATETIME NOT NULL,
  PRIMARY KEY (isp, egress, province)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_usual (
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
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_usual_bucket (
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  start DATETIME NOT NULL,
  provinces TEXT NOT NULL,
  PRIMARY KEY (isp, egress, start)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_hourly (
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
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_daily (
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
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_rollup_due (
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  start DATETIME NOT NULL,
  PRIMARY KEY (isp, egress, start)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_alarm (
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  province VARCHAR(40) NOT NULL,
  minute DATETIME NOT NULL,
  PRIMARY KEY (isp, egress, province, minute)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_verdict (
  isp VARCHAR(7) NOT NULL,
  egress VARCHAR(40) NOT NULL,
  recent TEXT NOT NULL,
  PRIMARY KEY (isp, egress)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_incident (
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
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cu.netsky_trace (
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
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS netsky_cm.netsky_lossrate LIKE netsky_cu.netsky_lossrate;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_abnormalrate LIKE netsky_cu.netsky_abnormalrate;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_latency LIKE netsky_cu.netsky_latency;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_avg_lossrate LIKE netsky_cu.netsky_avg_lossrate;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_sweep LIKE netsky_cu.netsky_sweep;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_line LIKE netsky_cu.netsky_line;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_host LIKE netsky_cu.netsky_host;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_live_baseline LIKE netsky_cu.netsky_live_baseline;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_usual LIKE netsky_cu.netsky_usual;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_usual_bucket LIKE netsky_cu.netsky_usual_bucket;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_hourly LIKE netsky_cu.netsky_hourly;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_daily LIKE netsky_cu.netsky_daily;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_rollup_due LIKE netsky_cu.netsky_rollup_due;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_alarm LIKE netsky_cu.netsky_alarm;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_verdict LIKE netsky_cu.netsky_verdict;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_incident LIKE netsky_cu.netsky_incident;
CREATE TABLE IF NOT EXISTS netsky_cm.netsky_trace LIKE netsky_cu.netsky_trace;

CREATE TABLE IF NOT EXISTS netsky_ct.netsky_lossrate LIKE netsky_cu.netsky_lossrate;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_abnormalrate LIKE netsky_cu.netsky_abnormalrate;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_latency LIKE netsky_cu.netsky_latency;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_avg_lossrate LIKE netsky_cu.netsky_avg_lossrate;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_sweep LIKE netsky_cu.netsky_sweep;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_line LIKE netsky_cu.netsky_line;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_host LIKE netsky_cu.netsky_host;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_live_baseline LIKE netsky_cu.netsky_live_baseline;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_usual LIKE netsky_cu.netsky_usual;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_usual_bucket LIKE netsky_cu.netsky_usual_bucket;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_hourly LIKE netsky_cu.netsky_hourly;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_daily LIKE netsky_cu.netsky_daily;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_rollup_due LIKE netsky_cu.netsky_rollup_due;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_alarm LIKE netsky_cu.netsky_alarm;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_verdict LIKE netsky_cu.netsky_verdict;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_incident LIKE netsky_cu.netsky_incident;
CREATE TABLE IF NOT EXISTS netsky_ct.netsky_trace LIKE netsky_cu.netsky_trace;
