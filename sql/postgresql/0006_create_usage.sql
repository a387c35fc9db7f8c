-- Purpose: how many tokens each client got or was refused, by the hour, and when things were last used.
-- Rows: usage_hourly one for each client, hour, outcome and writer (an activation of the client's grain): a busy day of
-- 100,000 clients is some millions. last_used one for each client, secret and scope that was ever used.
-- A row of usage_hourly holds an absolute count of its writer and only grows, so writing it twice is writing it once.
-- Indexes:
--   primary key of usage_hourly  the usage of one client in a window of time
--   ix_usage_hourly_hour         who used most in a window; the sweep of old hours
--   primary key of last_used     the last uses of one client; the report on unused things
-- Two at once: a row of usage_hourly has one writer; rows of last_used may have two, which take their locks in the order of the key.

create table usage_hourly
(
    client_id text collate "C" not null check (length(client_id) <= 128),
    hour timestamptz not null,
    -- issued, or the refusal's error code.
    outcome text collate "C" not null check (length(outcome) <= 64),
    writer text collate "C" not null check (length(writer) <= 64),
    count bigint not null,
    constraint pk_usage_hourly primary key (client_id, hour, outcome, writer)
);

create index ix_usage_hourly_hour on usage_hourly (hour, outcome, client_id) include (count);

create table last_used
(
    client_id text collate "C" not null check (length(client_id) <= 128),
    kind text collate "C" not null check (kind in ('client', 'scope', 'secret')),
    value text collate "C" not null check (length(value) <= 128),
    used_at timestamptz not null,
    constraint pk_last_used primary key (client_id, kind, value)
);

insert into schema_version (script_name) values ('0006_create_usage');
