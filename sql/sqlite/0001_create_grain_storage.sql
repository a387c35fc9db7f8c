-- Purpose: the journal of these scripts, Orleans' query texts, and the state of the grains.
-- Rows: orleansquery 4; grain_state one for each client that ever existed (a deleted client keeps a tombstone)
-- and a few for the cluster.
-- Orleans reads the texts by key when a silo starts and fills their @parameters; the names of the columns that a text
-- answers (PayloadBinary, Version, NewGrainStateVersion) are what Orleans looks for.
-- Indexes: grain_state's primary key serves all four texts, each of which touches one row.
-- Two at once: SQLite has one writer at a time, so the upsert below sees the row as it is. A write with a stale version,
-- or without one where a row exists, changes nothing and answers no row; Orleans takes that for a conflict.
-- Times are microseconds since 1970-01-01 UTC: SQLite has no type for them.

create table if not exists schema_version
(
    script_name text not null constraint pk_schema_version primary key check (length(script_name) <= 200),
    applied_at integer not null
) without rowid;

create table orleansquery
(
    querykey text not null constraint pk_orleansquery primary key check (length(querykey) <= 64),
    querytext text not null check (length(querytext) <= 8000)
);

create table grain_state
(
    grain_id_hash integer not null,
    grain_type_hash integer not null,
    grain_id_n0 integer not null,
    grain_id_n1 integer not null,
    -- The name of the state, such as client; not the class of the grain.
    grain_type text not null check (length(grain_type) <= 100),
    -- The grain's key, such as c:orders; empty where the key is a number, which is then in n0 and n1.
    grain_key text not null check (length(grain_key) <= 200),
    service_id text not null check (length(service_id) <= 100),
    -- JSON, UTF-8; null when the state was cleared.
    payload blob null,
    version integer not null,
    modified_at integer not null,
    constraint pk_grain_state primary key (grain_id_hash, grain_type_hash, grain_id_n0, grain_id_n1, grain_type, grain_key, service_id)
);

insert into orleansquery (querykey, querytext) values
('WriteToStorageKey', '
insert into grain_state
    (grain_id_hash, grain_type_hash, grain_id_n0, grain_id_n1, grain_type, grain_key, service_id, payload, version, modified_at)
select
    @GrainIdHash, @GrainTypeHash, @GrainIdN0, @GrainIdN1, @GrainTypeString, coalesce(@GrainIdExtensionString, ''''), @ServiceId,
    @PayloadBinary, 1, unixepoch() * 1000000
where @GrainStateVersion is null or exists (
    select 1 from grain_state
    where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
        and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
        and grain_key = coalesce(@GrainIdExtensionString, '''') and service_id = @ServiceId
        and version = @GrainStateVersion)
on conflict (grain_id_hash, grain_type_hash, grain_id_n0, grain_id_n1, grain_type, grain_key, service_id) do update
set payload = excluded.payload, version = grain_state.version + 1, modified_at = excluded.modified_at
where grain_state.version = @GrainStateVersion
returning version as NewGrainStateVersion'),
('ReadFromStorageKey', '
select payload as PayloadBinary, version as Version
from grain_state
where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
    and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
    and grain_key = coalesce(@GrainIdExtensionString, '''') and service_id = @ServiceId'),
('ClearStorageKey', '
update grain_state
set payload = null, version = version + 1, modified_at = unixepoch() * 1000000
where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
    and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
    and grain_key = coalesce(@GrainIdExtensionString, '''') and service_id = @ServiceId
    and version = @GrainStateVersion
returning version as NewGrainStateVersion'),
('DeleteStorageKey', '
delete from grain_state
where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
    and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
    and grain_key = coalesce(@GrainIdExtensionString, '''') and service_id = @ServiceId
    and version = @GrainStateVersion
returning version + 1 as NewGrainStateVersion');

insert into schema_version (script_name, applied_at) values ('0001_create_grain_storage', unixepoch() * 1000000);
