-- Purpose: lists and search of clients, which never wake a grain, and what the reports on unused and expiring things read.
-- Rows: client_catalogue one for each client that ever existed, up to a few million (tombstones included: they keep a late
-- repeat of an older change from bringing a deleted client back); client_part one for each secret and scope of a client.
-- The grain is the truth: rows are copies, written from its outbox, and only ever move to a higher version.
-- name_key is the name in upper case (invariant), for searching by prefix without regard to case.
-- Indexes:
--   ix_client_catalogue_page        pages in the order of the id, filtered by name when most names match
--   ix_client_catalogue_name        search by a prefix of the name
--   ix_client_catalogue_owner_page  the same page for one owner
--   ix_client_catalogue_owner_name  the same search for one owner
--   ix_client_catalogue_admin       how many enabled admins there are
--   ix_client_part_expiry           secrets that run out in a window, and the soonest
--   primary key of client_part      the parts of one client; the report on unused things, page by page
-- The partial indexes hold the column deleted too: without it SQLite fetches each row to look.
-- Two at once: an upsert moves a row only to a higher version, so the order of two writers does not matter.

create table client_catalogue
(
    client_id text not null constraint pk_client_catalogue primary key check (length(client_id) <= 128),
    name text not null check (length(name) <= 400),
    name_key text not null check (length(name_key) <= 400),
    -- metadata.owner; a long one is cut and made unique by its hash.
    owner text not null check (length(owner) <= 128),
    enabled integer not null check (enabled in (0, 1)),
    is_admin integer not null check (is_admin in (0, 1)),
    deleted integer not null check (deleted in (0, 1)),
    -- The client document as the admin API shows it, without the members that the server makes; empty in a tombstone.
    document text not null,
    etag text not null check (length(etag) <= 64),
    -- The client's own count of administrative changes.
    version integer not null,
    created_at integer not null,
    updated_at integer not null
);

create index ix_client_catalogue_page on client_catalogue (client_id, name_key, deleted) where deleted = 0;
create index ix_client_catalogue_name on client_catalogue (name_key, client_id, deleted) where deleted = 0;
create index ix_client_catalogue_owner_page on client_catalogue (owner, client_id, name_key, deleted) where deleted = 0 and owner <> '';
create index ix_client_catalogue_owner_name on client_catalogue (owner, name_key, client_id, deleted) where deleted = 0 and owner <> '';
create index ix_client_catalogue_admin on client_catalogue (client_id) where is_admin = 1 and enabled = 1 and deleted = 0;

create table client_part
(
    client_id text not null check (length(client_id) <= 128),
    kind text not null check (kind in ('client', 'scope', 'secret')),
    -- The scope, the secret's id, or empty for the client itself.
    value text not null check (length(value) <= 128),
    label text null check (length(label) <= 400),
    created_at integer not null,
    expires_at integer null,
    constraint pk_client_part primary key (client_id, kind, value)
) without rowid;

create index ix_client_part_expiry on client_part (expires_at) where expires_at is not null;

insert into schema_version (script_name, applied_at) values ('0004_create_client_catalogue', unixepoch() * 1000000);
