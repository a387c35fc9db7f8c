-- Purpose: what a request with an Idempotency-Key chose, so that the same request again makes the same thing.
-- Rows: one for each creation of the last hour.
-- Indexes: the primary key for the look-up; ix_idempotency_expiry for the sweep.
-- Two at once: the second insert of a key waits for the first, changes nothing, and reads what the first chose.

create table idempotency
(
    -- SHA-256 of actor, path and key.
    key_hash bytea not null check (length(key_hash) = 32),
    -- SHA-256 of the body.
    body_hash bytea not null check (length(body_hash) = 32),
    client_id text collate "C" not null check (length(client_id) <= 128),
    -- The secret that was made; empty when none was.
    secret_id text collate "C" not null check (length(secret_id) <= 128),
    -- Under a key derived from the key-encryption key and the Idempotency-Key; null when no secret was generated.
    encrypted_secret bytea null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint pk_idempotency primary key (key_hash)
);

create index ix_idempotency_expiry on idempotency (expires_at);

insert into schema_version (script_name) values ('0008_create_idempotency');
