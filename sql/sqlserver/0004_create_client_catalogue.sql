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
-- Two at once: the update waits for the row that another writes, and moves it only to a higher version, so the order of the two
-- does not matter. Where there is no row yet, two inserts meet at the primary key, and the loser's 2627 makes it try again. All
-- writers of one client take its catalogue row first, and its parts after.
-- SQL Server pads the shorter of two texts with blanks when it compares, whatever the collation: the queries look at the lengths too. An
-- owner of blanks alone is none here, since the filter of its indexes takes it for empty. Ids and scopes have no blanks.
-- The filtered indexes ask every session that writes for the ANSI settings that SqlClient makes by default.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

create table client_catalogue
(
    client_id nvarchar(128) collate Latin1_General_100_BIN2 not null,
    name nvarchar(400) not null,
    name_key nvarchar(400) collate Latin1_General_100_BIN2 not null,
    -- metadata.owner; a long one is cut and made unique by its hash.
    owner nvarchar(128) collate Latin1_General_100_BIN2 not null,
    enabled bit not null,
    is_admin bit not null,
    deleted bit not null,
    -- The client document as the admin API shows it, without the members that the server makes; empty in a tombstone.
    document nvarchar(max) not null,
    etag nvarchar(64) collate Latin1_General_100_BIN2 not null,
    -- The client's own count of administrative changes.
    version bigint not null,
    created_at datetime2(6) not null,
    updated_at datetime2(6) not null,
    constraint pk_client_catalogue primary key (client_id)
);

create index ix_client_catalogue_page on client_catalogue (client_id, name_key) include (deleted) where deleted = 0;
create index ix_client_catalogue_name on client_catalogue (name_key, client_id) include (deleted) where deleted = 0;
create index ix_client_catalogue_owner_page on client_catalogue (owner, client_id, name_key) include (deleted) where deleted = 0 and owner <> N'';
create index ix_client_catalogue_owner_name on client_catalogue (owner, name_key, client_id) include (deleted) where deleted = 0 and owner <> N'';
create index ix_client_catalogue_admin on client_catalogue (client_id) where is_admin = 1 and enabled = 1 and deleted = 0;

create table client_part
(
    client_id nvarchar(128) collate Latin1_General_100_BIN2 not null,
    kind nvarchar(20) collate Latin1_General_100_BIN2 not null check (kind in (N'client', N'scope', N'secret')),
    -- The scope, the secret's id, or empty for the client itself.
    value nvarchar(128) collate Latin1_General_100_BIN2 not null,
    label nvarchar(400) null,
    created_at datetime2(6) not null,
    expires_at datetime2(6) null,
    constraint pk_client_part primary key (client_id, kind, value)
);

create index ix_client_part_expiry on client_part (expires_at) where expires_at is not null;

insert into schema_version (script_name) values (N'0004_create_client_catalogue');
