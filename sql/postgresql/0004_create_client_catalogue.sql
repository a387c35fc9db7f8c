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
-- Two at once: an upsert waits for the row that another writes, and moves it only to a higher version, so the order of the two
-- does not matter.

create table client_catalogue
(
    client_id text collate "C" not null check (length(client_id) <= 128),
    name text not null check (length(name) <= 400),
    name_key text collate "C" not null check (length(name_key) <= 400),
    -- metadata.owner; a long one is cut and made unique by its hash.
    owner text collate "C" not null check (length(owner) <= 128),
    enabled boolean not null,
    is_admin boolean not null,
    deleted boolean not null,
    -- The client document as the admin API shows it, without the members that the server makes; empty in a tombstone.
    -- Text, since jsonb would not keep the order of its members.
    document text not null,
    etag text collate "C" not null check (length(etag) <= 64),
    -- The client's own count of administrative changes.
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint pk_client_catalogue primary key (client_id)
);

create index ix_client_catalogue_page on client_catalogue (client_id, name_key) where not deleted;
create index ix_client_catalogue_name on client_catalogue (name_key, client_id) where not deleted;
create index ix_client_catalogue_owner_page on client_catalogue (owner, client_id, name_key) where not deleted and owner <> '';
create index ix_client_catalogue_owner_name on client_catalogue (owner, name_key, client_id) where not deleted and owner <> '';
create index ix_client_catalogue_admin on client_catalogue (client_id) where is_admin and enabled and not deleted;

create table client_part
(
    client_id text collate "C" not null check (length(client_id) <= 128),
    kind text collate "C" not null check (kind in ('client', 'scope', 'secret')),
    -- The scope, the secret's id, or empty for the client itself.
    value text collate "C" not null check (length(value) <= 128),
    label text null check (length(label) <= 400),
    created_at timestamptz not null,
    expires_at timestamptz null,
    constraint pk_client_part primary key (client_id, kind, value)
);

create index ix_client_part_expiry on client_part (expires_at) where expires_at is not null;

insert into schema_version (script_name) values ('0004_create_client_catalogue');
