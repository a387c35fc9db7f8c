-- Purpose: an administrative write that was answered holds on every silo. A silo that was declared dead may still decide for a while. A
-- writer waits until that while is over, or until it is proven that the process has ended. So the table tells when each silo was declared
-- dead, by the clock of the database and not by one of a silo, how long that silo goes on without the database, and whether it has ended.
-- Rows: one for each start of a silo, tens. Rows of silos that are dead at this moment are stamped with now; such silos whose last sign of
-- life is older than a day count as ended. Two texts are replaced: one stamps a death, once; the other keeps a dead silo's row until its
-- process has ended, or until the death is 25 hours old: no silo goes on for that long without the database.
-- Indexes: the primary key serves all texts, and the fence's reading of a cluster's rows.
-- Two at once: as before, whatever changes a silo's status first moves the cluster's version. The clock is read when the row is changed,
-- after any wait for the version's row, and not when the statement began: a stamp must not be older than the death. What writes the
-- new columns alone moves no version, like the heartbeat. An older build that still runs declares deaths without a stamp; newer ones
-- stamp them when they read them.

alter table orleans_membership
    -- When the silo was declared dead, by the clock of the database; null before, and where an older build declared it.
    add column dead_at timestamptz null,
    -- When it was proven that the process has ended; null before.
    add column ended_at timestamptz null,
    -- How long the silo goes on deciding without the database, in ms, as it says itself; null from an older build.
    add column outage_grace_ms bigint null;

update orleans_membership
set dead_at = clock_timestamp(),
    ended_at = case when i_am_alive_time < clock_timestamp() - interval '1 day' then clock_timestamp() end
where status = 6;

delete from orleansquery where querykey in ('UpdateMembershipKey', 'CleanupDefunctSiloEntriesKey');

insert into orleansquery (querykey, querytext) values
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
    set status = @Status, suspect_times = @SuspectTimes, i_am_alive_time = @IAmAliveTime,
        dead_at = case when @Status = 6 then coalesce(dead_at, clock_timestamp()) else dead_at end
    where deployment_id = @DeploymentId and address = @Address and port = @Port and generation = @Generation
        and exists (select 1 from moved)
    returning 1)
select count(*)::integer from updated'),
('CleanupDefunctSiloEntriesKey', '
delete from orleans_membership
where deployment_id = @DeploymentId and i_am_alive_time < @IAmAliveTime and status <> 3
    and (status <> 6 or ended_at is not null or dead_at < clock_timestamp() - interval ''25 hours'')');

insert into schema_version (script_name) values ('0017_stamp_silo_deaths');
