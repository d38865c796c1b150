package mysql

// Schema is the DDL of medcommit's own tables, for a site whose user may not create them. Names are [a-z0-9._-]. Markers stay
// until they are purged; a connection's row goes with it, or is deleted by the next process.
const Schema = `-- One row for each branch, written inside its work: visible means committed, unique means executed once.
CREATE TABLE IF NOT EXISTS medcommit_branches (
  cluster     VARCHAR(27) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ` + "`key`" + `       CHAR(26)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  participant VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at          TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (cluster, ` + "`key`" + `, participant)
) ENGINE=InnoDB;

-- How far a participant has come: a restored database is noticed by it.
CREATE TABLE IF NOT EXISTS medcommit_site (
  cluster            VARCHAR(27) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  participant        VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  applied_generation INT NOT NULL,
  applied_number     INT NOT NULL,
  incarnation        INT NOT NULL,
  PRIMARY KEY (cluster, participant)
) ENGINE=InnoDB;

-- One row for each open connection: it holds the user lock lock_name for as long as it lives.
CREATE TABLE IF NOT EXISTS medcommit_connections (
  lock_name     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  cluster       VARCHAR(27) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  participant   VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  incarnation   INT NOT NULL,
  process       CHAR(26)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  connection_id BIGINT UNSIGNED NOT NULL,
  rollbacks     BIGINT NOT NULL DEFAULT 0,
  opened        TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (lock_name),
  KEY (cluster, participant)
) ENGINE=InnoDB;
`
