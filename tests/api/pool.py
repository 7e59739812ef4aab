"""What every connection looks like when it is given back, whatever happened on it (build/pool/hygiene), and that the
server stops working on what nobody waits for."""
import os, random, re, subprocess, time

from suite import clean_env

SCHEMA = """
create schema hygiene;
create table hygiene.ledger (id int primary key, parent int references hygiene.ledger deferrable initially deferred);
create function hygiene.refuse(what text) returns text language plpgsql as
    $$ begin raise exception using errcode = 'PT404', message = 'there is no ' || what; end $$;
create function hygiene.opens(what text) returns text language plpgsql as
    $$ declare c refcursor; begin open c for select generate_series(1, 100); return what; end $$;
create function hygiene.slowly(what int) returns int language plpgsql as
    $$ begin insert into hygiene.ledger (id) values (what); perform pg_sleep(3); return 1; end $$;
create function hygiene.write_and_end(what int) returns int language plpgsql as
    $$ begin insert into hygiene.ledger (id) values (what); perform pg_terminate_backend(pg_backend_pid()); return 1; end $$;
grant usage on schema hygiene to tenantry_web, tenantry_member, tenantry_admin, tenantry_webhook;
grant select, insert on hygiene.ledger to tenantry_web, tenantry_member, tenantry_admin, tenantry_webhook;
grant execute on all functions in schema hygiene to tenantry_web, tenantry_member, tenantry_admin, tenantry_webhook;
grant execute on function pg_terminate_backend to tenantry_web, tenantry_member, tenantry_admin, tenantry_webhook;
"""


def test(s, house):
    program = os.path.join(os.path.dirname(house.api_path), "pool", "hygiene")
    if not os.path.exists(program):
        s.skip("10,000 interleavings", f"{program} is not built")
        return
    db = house.database("api_pool", seed=False)
    house.sql(SCHEMA, db)
    count, seed = 10000 if house.full else 1000, random.randrange(1 << 30)
    p = subprocess.run([program, house.url(db), house.cluster.url(db), str(count), str(seed)], env=clean_env(),
                       capture_output=True, text=True, timeout=600)
    if house.full:
        print(f"    {p.stdout.splitlines()[-1] if p.stdout else ''}")
    s.ok(p.returncode == 0, f"{count} questions, errors and cut wires (seed {seed}): every connection is given back clean",
         p.stdout + p.stderr)
    deepest = re.search(r"at most (\d+) on one connection", p.stdout)
    s.ok(deepest and int(deepest[1]) > 3, "while questions that read went behind others", p.stdout)
    busy = "select count(*) from pg_stat_activity where usename = 'tenantry_api' and state <> 'idle' and datname = current_database()"
    end = time.monotonic() + 5
    while house.sql(busy, db) != "0" and time.monotonic() < end:
        time.sleep(0.1)
    s.equal(house.sql(busy, db), "0", "and no backend works on for nobody")
