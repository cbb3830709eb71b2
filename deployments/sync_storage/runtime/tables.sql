-- The tables of server-syncstorage 1.8.0 (commit 4b0aaaa, syncstorage/storage/sql/dbconnect.py, read on 2026-11-28) as
-- its option create_tables makes them. Its workers would race for them: each asks first and creates then.

CREATE TABLE IF NOT EXISTS collections (
    collectionid INTEGER NOT NULL AUTO_INCREMENT,
    name VARCHAR(32) NOT NULL,
    PRIMARY KEY (collectionid),
    UNIQUE (name)
-- smaller numbers belong to collections that all users have
) ENGINE = InnoDB CHARSET = latin1 AUTO_INCREMENT = 100;

CREATE TABLE IF NOT EXISTS user_collections (
    userid INTEGER NOT NULL,
    collection INTEGER NOT NULL,
    last_modified BIGINT NOT NULL,
    PRIMARY KEY (userid, collection)
) ENGINE = InnoDB CHARSET = latin1;

CREATE TABLE IF NOT EXISTS batch_uploads (
    batch BIGINT NOT NULL,
    userid INTEGER NOT NULL,
    collection INTEGER NOT NULL,
    PRIMARY KEY (batch, userid)
) ENGINE = InnoDB CHARSET = latin1;

CREATE TABLE IF NOT EXISTS bso (
    userid INTEGER NOT NULL,
    collection INTEGER NOT NULL,
    id VARCHAR(64) NOT NULL,
    sortindex INTEGER,
    modified BIGINT NOT NULL,
    payload MEDIUMTEXT NOT NULL,
    payload_size INTEGER NOT NULL DEFAULT 0,
    ttl INTEGER NOT NULL DEFAULT 2100000000,
    PRIMARY KEY (userid, collection, id),
    INDEX bso_ttl_idx (ttl),
    INDEX bso_usr_col_mod_idx (userid, collection, modified)
) ENGINE = InnoDB CHARSET = latin1;

CREATE TABLE IF NOT EXISTS batch_upload_items (
    batch BIGINT NOT NULL,
    userid INTEGER NOT NULL,
    id VARCHAR(64) NOT NULL,
    sortindex INTEGER,
    payload MEDIUMTEXT,
    payload_size INTEGER,
    ttl_offset INTEGER,
    PRIMARY KEY (batch, userid, id)
) ENGINE = InnoDB CHARSET = latin1;
