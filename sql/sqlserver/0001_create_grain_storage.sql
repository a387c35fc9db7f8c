-- Purpose: the journal of these scripts, Orleans' query texts, and the state of the grains.
-- Rows: orleansquery 13; grain_state one for each client that ever existed (a deleted client keeps a tombstone)
-- and a few for the cluster.
-- Orleans reads the texts by key when a silo starts and fills their @parameters; the names of the columns that a text
-- answers (PayloadBinary, Version, NewGrainStateVersion) are what Orleans looks for.
-- Indexes: grain_state's primary key serves all four texts, each of which touches one row. Its columns are as short as they are
-- so that the key keeps within the 900 bytes of a clustered index.
-- Two at once: two first writes of one grain meet at the primary key: the second waits for the first, gets error 2627, which the
-- text catches, and answers no row. The insert counts its row rather than output it: OUTPUT may send rows of a statement that
-- fails, and a client that does not see the error would take them for a success. Updates and deletes output theirs, since their
-- errors reach the client. Of two updates from the same version the second waits for the row's lock, then finds another version and
-- answers no row, under locking and under READ_COMMITTED_SNAPSHOT alike, since an update reads the latest row. Orleans takes no row for a conflict. No range is locked, so first writes of different grains never
-- wait for each other.
-- Each script first turns on what its filtered indexes need (sqlcmd starts with quoted_identifier off), and what ends it at its first
-- failure, before it journals itself.
-- nvarchar throughout, because Orleans sends its texts as nvarchar: a varchar column would be converted row by row.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

if object_id(N'schema_version', N'U') is null
create table schema_version
(
    script_name nvarchar(200) collate Latin1_General_100_BIN2 not null,
    applied_at datetime2(6) not null constraint df_schema_version_applied_at default sysutcdatetime(),
    constraint pk_schema_version primary key (script_name)
);

create table orleansquery
(
    querykey nvarchar(64) collate Latin1_General_100_BIN2 not null,
    querytext nvarchar(4000) not null,
    constraint pk_orleansquery primary key (querykey)
);

create table grain_state
(
    grain_id_hash int not null,
    grain_type_hash int not null,
    grain_id_n0 bigint not null,
    grain_id_n1 bigint not null,
    -- The name of the state, such as client; not the class of the grain.
    grain_type nvarchar(100) collate Latin1_General_100_BIN2 not null,
    -- The grain's key, such as c:orders; empty where the key is a number, which is then in n0 and n1.
    grain_key nvarchar(200) collate Latin1_General_100_BIN2 not null,
    service_id nvarchar(100) collate Latin1_General_100_BIN2 not null,
    -- JSON, UTF-8; null when the state was cleared.
    payload varbinary(max) null,
    version int not null,
    modified_at datetime2(6) not null,
    constraint pk_grain_state primary key (grain_id_hash, grain_type_hash, grain_id_n0, grain_id_n1, grain_type, grain_key, service_id)
);

insert into orleansquery (querykey, querytext) values
(N'WriteToStorageKey', N'
set nocount on;
if @GrainStateVersion is null
begin
    declare @inserted int = 0;
    begin try
        insert into grain_state
            (grain_id_hash, grain_type_hash, grain_id_n0, grain_id_n1, grain_type, grain_key, service_id, payload, version, modified_at)
        select
            @GrainIdHash, @GrainTypeHash, @GrainIdN0, @GrainIdN1, @GrainTypeString, coalesce(@GrainIdExtensionString, N''''), @ServiceId,
            @PayloadBinary, 1, sysutcdatetime()
        where not exists (
            select 1 from grain_state
            where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
                and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
                and grain_key = coalesce(@GrainIdExtensionString, N'''') and service_id = @ServiceId);
        set @inserted = @@rowcount;
    end try
    begin catch
        -- 2627 and 2601: another activation wrote the first state between the look and the insert.
        if error_number() not in (2627, 2601) throw;
    end catch;
    select 1 as NewGrainStateVersion where @inserted = 1;
end
else
    update grain_state
    set payload = @PayloadBinary, version = version + 1, modified_at = sysutcdatetime()
    output inserted.version as NewGrainStateVersion
    where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
        and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
        and grain_key = coalesce(@GrainIdExtensionString, N'''') and service_id = @ServiceId
        and version = @GrainStateVersion;'),
(N'ReadFromStorageKey', N'
select payload as PayloadBinary, version as Version
from grain_state
where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
    and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
    and grain_key = coalesce(@GrainIdExtensionString, N'''') and service_id = @ServiceId;'),
(N'ClearStorageKey', N'
set nocount on;
update grain_state
set payload = null, version = version + 1, modified_at = sysutcdatetime()
output inserted.version as NewGrainStateVersion
where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
    and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
    and grain_key = coalesce(@GrainIdExtensionString, N'''') and service_id = @ServiceId
    and version = @GrainStateVersion;'),
(N'DeleteStorageKey', N'
set nocount on;
delete from grain_state
output deleted.version + 1 as NewGrainStateVersion
where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
    and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
    and grain_key = coalesce(@GrainIdExtensionString, N'''') and service_id = @ServiceId
    and version = @GrainStateVersion;');

insert into schema_version (script_name) values (N'0001_create_grain_storage');
