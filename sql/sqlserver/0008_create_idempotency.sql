-- Purpose: what a request with an Idempotency-Key chose, so that the same request again makes the same thing.
-- Rows: one for each creation of the last hour.
-- Indexes: the primary key for the look-up; ix_idempotency_expiry for the sweep.
-- Two at once: the second insert of a key waits for the first at the primary key, gets 2627, tries again and reads what the first
-- chose.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

create table idempotency
(
    -- SHA-256 of actor, path and key.
    key_hash binary(32) not null,
    -- SHA-256 of the body.
    body_hash binary(32) not null,
    client_id nvarchar(128) collate Latin1_General_100_BIN2 not null,
    -- The secret that was made; empty when none was.
    secret_id nvarchar(128) collate Latin1_General_100_BIN2 not null,
    -- Under a key derived from the key-encryption key and the Idempotency-Key; null when no secret was generated.
    encrypted_secret varbinary(1000) null,
    created_at datetime2(6) not null,
    expires_at datetime2(6) not null,
    constraint pk_idempotency primary key (key_hash)
);

create index ix_idempotency_expiry on idempotency (expires_at);

insert into schema_version (script_name) values (N'0008_create_idempotency');
