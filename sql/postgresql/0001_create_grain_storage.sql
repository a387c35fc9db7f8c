-- Purpose: the journal of these scripts, Orleans' query texts, and the state of the grains.
-- Rows: orleansquery 13; grain_state one for each client that ever existed (a deleted client keeps a tombstone)
-- and a few for the cluster.
-- Orleans reads the texts by key when a silo starts and fills their @parameters; the names of the columns that a text
-- answers (PayloadBinary, Version, NewGrainStateVersion) are what Orleans looks for, in any case.
-- Indexes: grain_state's primary key serves all four texts, each of which touches one row.
-- Two at once: two first writes of one grain meet at the primary key, and the one that loses answers no row; of two updates
-- from the same version the second waits, finds another version, and answers no row. Orleans takes no row for a conflict.

create table if not exists schema_version
(
    script_name text collate "C" not null check (length(script_name) <= 200),
    applied_at timestamptz not null default current_timestamp,
    constraint pk_schema_version primary key (script_name)
);

create table orleansquery
(
    querykey text collate "C" not null check (length(querykey) <= 64),
    querytext text not null check (length(querytext) <= 8000),
    constraint pk_orleansquery primary key (querykey)
);

create table grain_state
(
    grain_id_hash integer not null,
    grain_type_hash integer not null,
    grain_id_n0 bigint not null,
    grain_id_n1 bigint not null,
    -- The name of the state, such as client; not the class of the grain.
    grain_type text collate "C" not null check (length(grain_type) <= 100),
    -- The grain's key, such as c:orders; empty where the key is a number, which is then in n0 and n1.
    grain_key text collate "C" not null check (length(grain_key) <= 200),
    service_id text collate "C" not null check (length(service_id) <= 100),
    -- JSON, UTF-8; null when the state was cleared.
    payload bytea null,
    version integer not null,
    modified_at timestamptz not null,
    constraint pk_grain_state primary key (grain_id_hash, grain_type_hash, grain_id_n0, grain_id_n1, grain_type, grain_key, service_id)
);

insert into orleansquery (querykey, querytext) values
('WriteToStorageKey', '
with updated as (
    update grain_state
    set payload = @PayloadBinary, version = version + 1, modified_at = now()
    where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
        and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
        and grain_key = coalesce(@GrainIdExtensionString, '''') and service_id = @ServiceId
        and version = @GrainStateVersion
    returning version),
inserted as (
    insert into grain_state
        (grain_id_hash, grain_type_hash, grain_id_n0, grain_id_n1, grain_type, grain_key, service_id, payload, version, modified_at)
    select
        @GrainIdHash, @GrainTypeHash, @GrainIdN0, @GrainIdN1, @GrainTypeString, coalesce(@GrainIdExtensionString, ''''), @ServiceId,
        @PayloadBinary, 1, now()
    where @GrainStateVersion is null
    on conflict (grain_id_hash, grain_type_hash, grain_id_n0, grain_id_n1, grain_type, grain_key, service_id) do nothing
    returning version)
select version as NewGrainStateVersion from updated union all select version from inserted'),
('ReadFromStorageKey', '
select payload as PayloadBinary, version as Version
from grain_state
where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
    and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
    and grain_key = coalesce(@GrainIdExtensionString, '''') and service_id = @ServiceId'),
('ClearStorageKey', '
update grain_state
set payload = null, version = version + 1, modified_at = now()
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

insert into schema_version (script_name) values ('0001_create_grain_storage');
