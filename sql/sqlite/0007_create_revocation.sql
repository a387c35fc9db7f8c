-- Purpose: tokens, clients, keys and everything that was revoked, for the clients' grains and for the feed that APIs read.
-- Rows: one for each revoked token that has not expired (10,000 for one client at most) and one for each client, key or
-- whole-cluster revocation of the last 24 hours.
-- Indexes:
--   pk_revocation          the feed: rows after a position, in order
--   ux_revocation_item     a row is written once; the live jtis of one client
--   ix_revocation_expiry   the sweep of expired rows
-- Two at once: SQLite has one writer at a time and autoincrement never goes back, so a reader that has seen a position
-- has seen all before it.

create table revocation
(
    position integer not null constraint pk_revocation primary key autoincrement,
    kind text not null check (kind in ('token', 'client', 'key', 'all')),
    -- The client whose token it is, or which it is; empty for a key and for all.
    client_id text not null check (length(client_id) <= 128),
    -- jti, client id, kid; * for all.
    value text not null check (length(value) <= 128),
    -- A token of what the row names is dead when its gen is below this.
    gen integer not null,
    expires_at integer not null
);

create unique index ux_revocation_item on revocation (client_id, kind, value, gen);
create index ix_revocation_expiry on revocation (expires_at);

insert into schema_version (script_name, applied_at) values ('0007_create_revocation', unixepoch() * 1000000);
