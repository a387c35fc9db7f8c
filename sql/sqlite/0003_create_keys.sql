-- Purpose: what the cluster signs and hashes with, and the floor of every token's generation.
-- Rows: key_ring 1, generation_floor 1; signing_key tens (three or so published); pepper one or a few.
-- Private parts are wrapped by the key-encryption key (AES-256-GCM, associated data of kind and id) before they come here.
-- Indexes: the primary keys; every query reads a whole table, or one row.
-- Two at once: nodes that start together all try to insert the first ring; the primary key of key_ring lets one in, and
-- the others read what it stored. Later changes name the ring version that they were made from.

create table key_ring
(
    id integer not null constraint pk_key_ring primary key check (id = 1),
    -- Moves by one with each change of signing_key or pepper.
    version integer not null
);

create table signing_key
(
    -- RFC 7638 thumbprint.
    kid text not null constraint pk_signing_key primary key check (length(kid) <= 100),
    algorithm text not null check (length(algorithm) <= 20),
    state text not null check (state in ('pending', 'active', 'retired', 'revoked')),
    wrapped_private_key blob not null,
    created_at integer not null,
    -- From when on a pending key may become active.
    activates_at integer null,
    active_at integer null,
    retired_at integer null,
    -- When it left the published set.
    removed_at integer null
);

create table pepper
(
    pepper_id text not null constraint pk_pepper primary key check (length(pepper_id) <= 100),
    wrapped_value blob not null,
    created_at integer not null
);

create table generation_floor
(
    id integer not null constraint pk_generation_floor primary key check (id = 1),
    floor integer not null
);

insert into schema_version (script_name, applied_at) values ('0003_create_keys', unixepoch() * 1000000);
