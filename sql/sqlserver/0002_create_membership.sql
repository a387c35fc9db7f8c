-- Purpose: where the silos of a cluster find each other, and how they agree on who is alive.
-- Rows: orleans_membership one for each start of a silo, cleaned up by Orleans some days after its death;
-- orleans_membership_version one for each cluster id.
-- Orleans reads the texts by key when a silo or a front end starts and fills their @parameters; the names of the columns that a
-- text answers are what Orleans looks for. A text that changes the table answers 1 when it did and 0 when it did not.
-- Indexes: the primary keys serve all texts; a cluster's rows are few, and are read together.
-- Two at once: whatever changes a silo's row first moves the cluster's version from the one that the writer read, which takes an
-- exclusive lock on that one row until commit. The second of two writers waits for it, finds another version, and changes
-- nothing; Orleans then reads again. All writers take that row first, so they cannot deadlock. The heartbeat alone moves no
-- version: it touches only its own silo's row. xact_abort rolls all back when a statement fails or the caller goes away.
-- InsertMembershipVersionKey: two silos that start a cluster at once meet at the primary key; the loser's 2627 is caught, and
-- answers 0.
-- A reader locks the row of the version first and keeps it until it has read the silos: else it might get a version together with
-- the silos of an older one, and its next compare-and-set would succeed on what it never saw. So the order of the join is fixed, and
-- the silos are read by locking, as of now, under READ_COMMITTED_SNAPSHOT too. It waits for a writer's commit, a millisecond or so.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

create table orleans_membership_version
(
    deployment_id nvarchar(150) collate Latin1_General_100_BIN2 not null,
    version int not null,
    modified_at datetime2(6) not null,
    constraint pk_orleans_membership_version primary key (deployment_id)
);

create table orleans_membership
(
    deployment_id nvarchar(150) collate Latin1_General_100_BIN2 not null,
    address nvarchar(45) collate Latin1_General_100_BIN2 not null,
    port int not null,
    -- When the silo started, in seconds of Orleans' own count: tells a silo from its predecessor at the same port.
    generation int not null,
    silo_name nvarchar(150) collate Latin1_General_100_BIN2 not null,
    host_name nvarchar(150) collate Latin1_General_100_BIN2 not null,
    -- Orleans' SiloStatus: 3 is active, 6 is dead.
    status int not null,
    proxy_port int not null,
    suspect_times nvarchar(max) null,
    start_time datetime2(6) not null,
    i_am_alive_time datetime2(6) not null,
    constraint pk_orleans_membership primary key (deployment_id, address, port, generation)
);

insert into orleansquery (querykey, querytext) values
(N'GatewaysQueryKey', N'
select address as Address, proxy_port as ProxyPort, generation as Generation
from orleans_membership
where deployment_id = @DeploymentId and status = @Status and proxy_port > 0;'),
(N'MembershipReadRowKey', N'
select
    v.deployment_id as DeploymentId, m.address as Address, m.port as Port, m.generation as Generation, m.silo_name as SiloName,
    m.host_name as HostName, m.status as Status, m.proxy_port as ProxyPort, m.suspect_times as SuspectTimes,
    m.start_time as StartTime, m.i_am_alive_time as IAmAliveTime, v.version as Version
from orleans_membership_version v with (repeatableread)
left join orleans_membership m with (readcommittedlock)
    on m.deployment_id = v.deployment_id and m.address = @Address and m.port = @Port and m.generation = @Generation
where v.deployment_id = @DeploymentId
option (force order, loop join);'),
(N'MembershipReadAllKey', N'
select
    v.deployment_id as DeploymentId, m.address as Address, m.port as Port, m.generation as Generation, m.silo_name as SiloName,
    m.host_name as HostName, m.status as Status, m.proxy_port as ProxyPort, m.suspect_times as SuspectTimes,
    m.start_time as StartTime, m.i_am_alive_time as IAmAliveTime, v.version as Version
from orleans_membership_version v with (repeatableread)
left join orleans_membership m with (readcommittedlock) on m.deployment_id = v.deployment_id
where v.deployment_id = @DeploymentId
option (force order, loop join);'),
(N'InsertMembershipVersionKey', N'
set nocount on;
declare @inserted int = 0;
begin try
    insert into orleans_membership_version (deployment_id, version, modified_at)
    select @DeploymentId, 0, sysutcdatetime()
    where not exists (select 1 from orleans_membership_version where deployment_id = @DeploymentId);
    set @inserted = @@rowcount;
end try
begin catch
    if error_number() not in (2627, 2601) throw;
end catch;
select @inserted;'),
(N'UpdateIAmAlivetimeKey', N'
set nocount on;
update orleans_membership
set i_am_alive_time = @IAmAliveTime
where deployment_id = @DeploymentId and address = @Address and port = @Port and generation = @Generation;'),
(N'InsertMembershipKey', N'
set nocount on;
set xact_abort on;
declare @changed int = 0;
begin transaction;
update orleans_membership_version
set version = version + 1, modified_at = sysutcdatetime()
where deployment_id = @DeploymentId and version = @Version
    and not exists (
        select 1 from orleans_membership
        where deployment_id = @DeploymentId and address = @Address and port = @Port and generation = @Generation);
if @@rowcount = 1
begin
    insert into orleans_membership
        (deployment_id, address, port, generation, silo_name, host_name, status, proxy_port, start_time, i_am_alive_time)
    values
        (@DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime);
    set @changed = 1;
end;
commit transaction;
select @changed;'),
(N'UpdateMembershipKey', N'
set nocount on;
set xact_abort on;
declare @changed int = 0;
begin transaction;
update orleans_membership_version
set version = version + 1, modified_at = sysutcdatetime()
where deployment_id = @DeploymentId and version = @Version
    and exists (
        select 1 from orleans_membership
        where deployment_id = @DeploymentId and address = @Address and port = @Port and generation = @Generation);
if @@rowcount = 1
begin
    update orleans_membership
    set status = @Status, suspect_times = @SuspectTimes, i_am_alive_time = @IAmAliveTime
    where deployment_id = @DeploymentId and address = @Address and port = @Port and generation = @Generation;
    set @changed = 1;
end;
commit transaction;
select @changed;'),
(N'DeleteMembershipTableEntriesKey', N'
set nocount on;
set xact_abort on;
begin transaction;
delete from orleans_membership_version where deployment_id = @DeploymentId;
delete from orleans_membership where deployment_id = @DeploymentId;
commit transaction;'),
(N'CleanupDefunctSiloEntriesKey', N'
set nocount on;
delete from orleans_membership
where deployment_id = @DeploymentId and i_am_alive_time < @IAmAliveTime and status <> 3;');

insert into schema_version (script_name) values (N'0002_create_membership');
