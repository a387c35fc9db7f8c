-- Purpose: a silo adds what it counted to one row for each client, hour and outcome, and each flush counts once; hours that are long
-- past become days.
-- Rows: usage_daily one for each client, day and outcome, for the days that are kept. usage_writer one for each start of a silo in the
-- last 30 days. usage_hourly now has one row for each client, hour and outcome, whose writer is empty; rows with a writer are
-- from older builds, each of which counted for itself, and are added to the others two days later.
-- Indexes:
--   primary key of usage_daily  the days of one client
--   ix_usage_daily_day          who used most in a window; the sweep of old days
--   ix_usage_hourly_older       the rows of older builds
--   primary key of usage_writer which flush of a silo was stored last
-- Two at once: a flush first moves its silo's row in usage_writer forward. The same flush again (its first outcome was not known) waits
-- for that row, finds its number there and adds nothing. Two silos that add to the same rows take them in the order of the key. Two
-- that move old hours pass over the rows that the other has locked, and add their sums to the days in the order of the key.

create table usage_daily
(
    client_id text collate "C" not null check (length(client_id) <= 200),
    day timestamptz not null,
    -- issued, or the refusal's error code.
    outcome text collate "C" not null check (length(outcome) <= 64),
    count bigint not null,
    constraint pk_usage_daily primary key (client_id, day, outcome)
);

create index ix_usage_daily_day on usage_daily (day, outcome, client_id) include (count);

create index ix_usage_hourly_older on usage_hourly (hour) where writer <> '';

create table usage_writer
(
    -- A start of a silo.
    writer text collate "C" not null check (length(writer) <= 64),
    last_flush bigint not null,
    flushed_at timestamptz not null,
    constraint pk_usage_writer primary key (writer)
);

insert into schema_version (script_name) values ('0011_create_usage_days');
