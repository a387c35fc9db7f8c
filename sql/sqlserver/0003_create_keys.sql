-- Purpose: what the cluster signs and hashes with, and the floor of every token's generation.
-- Rows: key_ring 1, generation_floor 1; signing_key tens (three or so published); pepper one or a few.
-- Private parts are wrapped by the key-encryption key (AES-256-GCM, associated data of kind and id) before they come here.
-- Indexes: the primary keys; every query reads a whole table, or one row.
-- Two at once: nodes that start together all try to insert the first ring; the primary key of key_ring lets one in; the others
-- wait for its commit, get 2627, try again and read what it stored. Later changes name the ring version that they were made
-- from: updating that row takes its lock before anything else, so that the second waits and then finds another version. A
-- reader of all tables reads key_ring first, with the hint repeatableread, which keeps a shared lock on the row until the end of its
-- transaction, under READ_COMMITTED_SNAPSHOT too: whoever would change the ring waits for it. A hint, and not the isolation level of
-- that name, since the level would stay with the pooled connection and make its next reader hold locks.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

create table key_ring
(
    id int not null check (id = 1),
    -- Moves by one with each change of signing_key or pepper.
    version bigint not null,
    constraint pk_key_ring primary key (id)
);

create table signing_key
(
    -- RFC 7638 thumbprint.
    kid nvarchar(100) collate Latin1_General_100_BIN2 not null,
    algorithm nvarchar(20) collate Latin1_General_100_BIN2 not null,
    state nvarchar(20) collate Latin1_General_100_BIN2 not null check (state in (N'pending', N'active', N'retired', N'revoked')),
    wrapped_private_key varbinary(max) not null,
    created_at datetime2(6) not null,
    -- From when on a pending key may become active.
    activates_at datetime2(6) null,
    active_at datetime2(6) null,
    retired_at datetime2(6) null,
    -- When it left the published set.
    removed_at datetime2(6) null,
    constraint pk_signing_key primary key (kid)
);

create table pepper
(
    pepper_id nvarchar(100) collate Latin1_General_100_BIN2 not null,
    wrapped_value varbinary(1000) not null,
    created_at datetime2(6) not null,
    constraint pk_pepper primary key (pepper_id)
);

create table generation_floor
(
    id int not null check (id = 1),
    floor bigint not null,
    constraint pk_generation_floor primary key (id)
);

insert into schema_version (script_name) values (N'0003_create_keys');
