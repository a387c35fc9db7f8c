-- Purpose: what the cluster signs and hashes with, and the floor of every token's generation.
-- Rows: key_ring 1, generation_floor 1; signing_key tens (three or so published); pepper one or a few.
-- Private parts are wrapped by the key-encryption key (AES-256-GCM, associated data of kind and id) before they come here.
-- Indexes: the primary keys; every query reads a whole table, or one row.
-- Two at once: nodes that start together all try to insert the first ring; the primary key of key_ring lets one in, and
-- the others wait for its commit and read what it stored. Later changes name the ring version that they were made from.

create table key_ring
(
    id integer not null check (id = 1),
    -- Moves by one with each change of signing_key or pepper.
    version bigint not null,
    constraint pk_key_ring primary key (id)
);

create table signing_key
(
    -- RFC 7638 thumbprint.
    kid text collate "C" not null check (length(kid) <= 100),
    algorithm text collate "C" not null check (length(algorithm) <= 20),
    state text collate "C" not null check (state in ('pending', 'active', 'retired', 'revoked')),
    wrapped_private_key bytea not null,
    created_at timestamptz not null,
    -- From when on a pending key may become active.
    activates_at timestamptz null,
    active_at timestamptz null,
    retired_at timestamptz null,
    -- When it left the published set.
    removed_at timestamptz null,
    constraint pk_signing_key primary key (kid)
);

create table pepper
(
    pepper_id text collate "C" not null check (length(pepper_id) <= 100),
    wrapped_value bytea not null,
    created_at timestamptz not null,
    constraint pk_pepper primary key (pepper_id)
);

create table generation_floor
(
    id integer not null check (id = 1),
    floor bigint not null,
    constraint pk_generation_floor primary key (id)
);

insert into schema_version (script_name) values ('0003_create_keys');
