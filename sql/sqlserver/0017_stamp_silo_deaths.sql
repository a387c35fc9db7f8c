-- Purpose: an administrative write that was answered holds on every silo. A silo that was declared dead may still decide for a while. A
-- writer waits until that while is over, or until it is proven that the process has ended. So the table tells when each silo was declared
-- dead, by the clock of the database and not by one of a silo, how long that silo goes on without the database, and whether it has ended.
-- Rows: one for each start of a silo, tens. Rows of silos that are dead at this moment are stamped with now; such silos whose last sign of
-- life is older than a day count as ended. Two texts are replaced: one stamps a death, once; the other keeps a dead silo's row until its
-- process has ended, or until the death is 25 hours old: no silo goes on for that long without the database.
-- Indexes: the primary key serves all texts, and the fence's reading of a cluster's rows.
-- Two at once: as before, whatever changes a silo's status first moves the cluster's version. The clock is read when a statement begins,
-- before its waits, and a stamp must not be older than the death: so a statement of its own stamps, when the row is already locked. What
-- writes the new columns alone moves no version, like the heartbeat. An older build that still runs declares deaths without a stamp;
-- newer ones stamp them when they read them.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

alter table orleans_membership add
    -- When the silo was declared dead, by the clock of the database; null before, and where an older build declared it.
    dead_at datetime2(6) null,
    -- When it was proven that the process has ended; null before.
    ended_at datetime2(6) null,
    -- How long the silo goes on deciding without the database, in ms, as it says itself; null from an older build.
    outage_grace_ms bigint null;

-- A batch of its own: one that adds a column can't name it.
exec (N'
update orleans_membership
set dead_at = sysutcdatetime(), ended_at = case when i_am_alive_time < dateadd(day, -1, sysutcdatetime()) then sysutcdatetime() end
where status = 6');

delete from orleansquery where querykey in (N'UpdateMembershipKey', N'CleanupDefunctSiloEntriesKey');

insert into orleansquery (querykey, querytext) values
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
    if @Status = 6
        update orleans_membership
        set dead_at = sysutcdatetime()
        where deployment_id = @DeploymentId and address = @Address and port = @Port and generation = @Generation
            and dead_at is null;
end;
commit transaction;
select @changed;'),
(N'CleanupDefunctSiloEntriesKey', N'
set nocount on;
delete from orleans_membership
where deployment_id = @DeploymentId and i_am_alive_time < @IAmAliveTime and status <> 3
    and (status <> 6 or ended_at is not null or dead_at < dateadd(hour, -25, sysutcdatetime()));');

insert into schema_version (script_name) values (N'0017_stamp_silo_deaths');
