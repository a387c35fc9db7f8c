-- Purpose: tokens, clients, keys and everything that was revoked, for the clients' grains and for the feed that APIs read.
-- Rows: one for each revoked token that has not expired (10,000 for one client at most) and one for each client, key or
-- whole-cluster revocation of the last 24 hours.
-- Indexes:
--   pk_revocation          the feed: rows after a position, in order
--   ux_revocation_item     a row is written once; the live jtis of one client
--   ix_revocation_expiry   the sweep of expired rows
-- Two at once: positions are handed out before commit, so without more a later one could become visible first, and a reader that has
-- seen it would miss the earlier one. Writers therefore take turns: an advisory lock, taken just before the first insert and held until
-- commit, makes the order of the positions the order in which they become visible. (Ordering by transaction id and showing only
-- what is below pg_snapshot_xmin needs no lock, but any long transaction, in any database of the server, stops the feed.)

create table revocation
(
    position bigint generated always as identity,
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

create unique index ux_revocation_item on revocation (client_id, kind, value, gen);
create index ix_revocation_expiry on revocation (expires_at);

insert into schema_version (script_name) values ('0007_create_revocation');
