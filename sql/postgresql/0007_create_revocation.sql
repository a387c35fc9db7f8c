-- Purpose: tokens, clients, keys and everything that was revoked, for the clients' grains and for the feed that APIs read.
-- Rows: one for each revoked token that has not expired (10,000 for one client at most) and one for each client, key or
-- whole-cluster revocation of the last 24 hours.
-- Indexes:
--   ix_revocation_feed     the feed: rows after a transaction and position, in order
--   ux_revocation_item     a row is written once; the live jtis of one client
--   ix_revocation_expiry   the sweep of expired rows
-- Two at once: positions are handed out before commit, so a later one may become visible first. The feed is therefore ordered by
-- transaction and shows only rows of transactions older than every one that still runs. A transaction that writes for long,
-- in any database of the server, holds the feed back as long as it runs, and no longer.

create table revocation
(
    position bigint generated always as identity,
    transaction_id xid8 not null default pg_current_xact_id(),
    kind text collate "C" not null check (kind in ('token', 'client', 'key', 'all')),
    -- The client whose token it is, or which it is; empty for a key and for all.
    client_id text collate "C" not null check (length(client_id) <= 128),
    -- jti, client id, kid; * for all.
    value text collate "C" not null check (length(value) <= 128),
    -- A token of what the row names is dead when its gen is below this.
    gen bigint not null,
    expires_at timestamptz not null,
    constraint pk_revocation primary key (position)
);

create index ix_revocation_feed on revocation (transaction_id, position);
create unique index ux_revocation_item on revocation (client_id, kind, value, gen);
create index ix_revocation_expiry on revocation (expires_at);

insert into schema_version (script_name) values ('0007_create_revocation');
