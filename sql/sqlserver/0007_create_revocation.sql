-- Purpose: tokens, clients, keys and everything that was revoked, for the clients' grains and for the feed that APIs read.
-- Rows: one for each revoked token that has not expired (10,000 for one client at most) and one for each client, key or
-- whole-cluster revocation of the last 24 hours.
-- Indexes:
--   pk_revocation          a row is written once; the live jtis of one client
--   ix_revocation_feed     the feed: rows after a position, in order
--   ix_revocation_expiry   the sweep of expired rows
-- Two at once: positions are rowversions, handed out before commit, so a later one may become visible first. The feed therefore shows
-- only rows below min_active_rowversion(), the lowest that a running transaction of this database has taken. It asks for that bound in
-- a statement before the one that reads the rows: what lies below has ended by then, so the rows see it, under locking and under
-- READ_COMMITTED_SNAPSHOT alike. In one statement the function would tell of now and the rows of the statement's start, between
-- which a transaction may end whose row is then passed by for ever. A transaction that writes for long to a table with a rowversion
-- holds the feed back as long as it runs, and no longer. Two inserts of one item meet at the primary key, and the loser's 2627 makes
-- it try again and find the item there.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

create table revocation
(
    position rowversion not null,
    kind nvarchar(20) collate Latin1_General_100_BIN2 not null check (kind in (N'token', N'client', N'key', N'all')),
    -- The client whose token it is, or which it is; empty for a key and for all.
    client_id nvarchar(128) collate Latin1_General_100_BIN2 not null,
    -- jti, client id, kid; * for all.
    value nvarchar(128) collate Latin1_General_100_BIN2 not null,
    -- A token of what the row names is dead when its gen is below this.
    gen bigint not null,
    expires_at datetime2(6) not null,
    constraint pk_revocation primary key (client_id, kind, value, gen)
);

create unique index ix_revocation_feed on revocation (position);
create index ix_revocation_expiry on revocation (expires_at);

insert into schema_version (script_name) values (N'0007_create_revocation');
