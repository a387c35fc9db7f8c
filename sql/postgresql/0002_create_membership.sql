-- Purpose: where the silos of a cluster find each other, and how they agree on who is alive.
-- Rows: orleans_membership one for each start of a silo, cleaned up by Orleans some days after its death;
-- orleans_membership_version one for each cluster id.
-- Orleans reads the texts by key when a silo or a front end starts and fills their @parameters; the names of the columns that a
-- text answers are what Orleans looks for, in any case. A text that changes the table answers 1 when it did and 0 when it
-- did not.
-- Indexes: the primary keys serve all texts; a cluster's rows are few, and are read together.
-- Two at once: whatever changes a silo's row first moves the cluster's version from the one that the writer read. The second of
-- two writers waits for that row, finds another version, and changes nothing; Orleans then reads again. The heartbeat
-- alone moves no version: it touches only its own silo's row.

create table orleans_membership_version
(
    deployment_id text collate "C" not null check (length(deployment_id) <= 150),
    version integer not null,
    modified_at timestamptz not null,
    constraint pk_orleans_membership_version primary key (deployment_id)
);

create table orleans_membership
(
    deployment_id text collate "C" not null check (length(deployment_id) <= 150),
    address text collate "C" not null check (length(address) <= 45),
    port integer not null,
    -- When the silo started, in seconds of Orleans' own count: tells a silo from its predecessor at the same port.
    generation integer not null,
    silo_name text collate "C" not null check (length(silo_name) <= 150),
    host_name text collate "C" not null check (length(host_name) <= 150),
    -- Orleans' SiloStatus: 3 is active, 6 is dead.
    status integer not null,
    proxy_port integer not null,
    suspect_times text null check (length(suspect_times) <= 8000),
    start_time timestamptz not null,
    i_am_alive_time timestamptz not null,
    constraint pk_orleans_membership primary key (deployment_id, address, port, generation)
);

insert into orleansquery (querykey, querytext) values
('GatewaysQueryKey', '
select address as Address, proxy_port as ProxyPort, generation as Generation
from orleans_membership
where deployment_id = @DeploymentId and status = @Status and proxy_port > 0'),
('MembershipReadRowKey', '
select
    v.deployment_id as DeploymentId, m.address as Address, m.port as Port, m.generation as Generation, m.silo_name as SiloName,
    m.host_name as HostName, m.status as Status, m.proxy_port as ProxyPort, m.suspect_times as SuspectTimes,
    m.start_time as StartTime, m.i_am_alive_time as IAmAliveTime, v.version as Version
from orleans_membership_version v
left join orleans_membership m
    on m.deployment_id = v.deployment_id and m.address = @Address and m.port = @Port and m.generation = @Generation
where v.deployment_id = @DeploymentId'),
('MembershipReadAllKey', '
select
    v.deployment_id as DeploymentId, m.address as Address, m.port as Port, m.generation as Generation, m.silo_name as SiloName,
    m.host_name as HostName, m.status as Status, m.proxy_port as ProxyPort, m.suspect_times as SuspectTimes,
    m.start_time as StartTime, m.i_am_alive_time as IAmAliveTime, v.version as Version
from orleans_membership_version v
left join orleans_membership m on m.deployment_id = v.deployment_id
where v.deployment_id = @DeploymentId'),
('InsertMembershipVersionKey', '
with inserted as (
    insert into orleans_membership_version (deployment_id, version, modified_at)
    values (@DeploymentId, 0, now())
    on conflict (deployment_id) do nothing
    returning 1)
select count(*)::integer from inserted'),
('UpdateIAmAlivetimeKey', '
update orleans_membership
set i_am_alive_time = @IAmAliveTime
where deployment_id = @DeploymentId and address = @Address and port = @Port and generation = @Generation'),
('InsertMembershipKey', '
with moved as (
    update orleans_membership_version
    set version = version + 1, modified_at = now()
    where deployment_id = @DeploymentId and version = @Version
        and not exists (
            select 1 from orleans_membership
            where deployment_id = @DeploymentId and address = @Address and port = @Port and generation = @Generation)
    returning 1),
inserted as (
    insert into orleans_membership
        (deployment_id, address, port, generation, silo_name, host_name, status, proxy_port, start_time, i_am_alive_time)
    select @DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime
    from moved
    returning 1)
select count(*)::integer from inserted'),
('UpdateMembershipKey', '
with moved as (
    update orleans_membership_version
    set version = version + 1, modified_at = now()
    where deployment_id = @DeploymentId and version = @Version
        and exists (
            select 1 from orleans_membership
            where deployment_id = @DeploymentId and address = @Address and port = @Port and generation = @Generation)
    returning 1),
updated as (
    update orleans_membership
    set status = @Status, suspect_times = @SuspectTimes, i_am_alive_time = @IAmAliveTime
    where deployment_id = @DeploymentId and address = @Address and port = @Port and generation = @Generation
        and exists (select 1 from moved)
    returning 1)
select count(*)::integer from updated'),
('DeleteMembershipTableEntriesKey', '
with deleted as (delete from orleans_membership where deployment_id = @DeploymentId)
delete from orleans_membership_version where deployment_id = @DeploymentId'),
('CleanupDefunctSiloEntriesKey', '
delete from orleans_membership
where deployment_id = @DeploymentId and i_am_alive_time < @IAmAliveTime and status <> 3');

insert into schema_version (script_name) values ('0002_create_membership');
