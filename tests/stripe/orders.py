"""All 120 orders of five events, each of them twice, end in one state."""
import json

from events import DAY, Sale

STATE = """select jsonb_build_object(
    'subscriptions', (select jsonb_agg(to_jsonb(s) - '{id,created_at,updated_at}'::text[] order by s.stripe_subscription_id) from tenantry.subscriptions s),
    'invoices', (select jsonb_agg(to_jsonb(i) order by i.stripe_invoice_id) from tenantry.invoices i),
    'events', (select jsonb_agg(w.event_id order by w.event_id) from tenantry.webhook_events w),
    'members', (select jsonb_agg(to_jsonb(m) - '{joined_at,updated_at,last_active_at}'::text[] order by m.user_id)
        from (select tenant_id, user_id, role, join_source from tenantry.memberships) m),
    'checkouts', (select jsonb_agg(to_jsonb(c) - '{created_at,idempotency_key}'::text[] order by c.id) from tenantry.checkout_sessions c))"""

# Each order is tried and undone; the events go in one by one, those of odd places once more at the end.
RUN = """
create temporary table given (n integer, event jsonb);
create temporary table ends (state jsonb, orders integer);
grant select on given to tenantry_webhook;
grant insert on ends to tenantry_webhook;
insert into given select n, e from jsonb_array_elements($json$%s$json$) with ordinality as x (e, n);
select set_config('app.current_tenant_id', %s, false) \\g /dev/null
do $$
declare
    place integer[];
    state jsonb;
    found jsonb := '{}';
begin
    for place in
        select array[a, b, c, d, e] from generate_series(1, 5) a, generate_series(1, 5) b, generate_series(1, 5) c,
            generate_series(1, 5) d, generate_series(1, 5) e
        where (select count(distinct x) from unnest(array[a, b, c, d, e]) x) = 5
    loop
        begin
            set local role tenantry_webhook;
            for i in 1 .. 5 loop
                perform tenantry.stripe_event(event) from given where n = place[i];
                perform tenantry.stripe_event(event) from given where n = place[1 + i / 2];
            end loop;
            for i in 1 .. 5 loop
                perform tenantry.stripe_event(event) from given where n = place[6 - i];
            end loop;
            %s into state;
            raise exception using errcode = 'PT000', message = 'undo';
        exception when sqlstate 'PT000' then null;
        end;
        found := found || jsonb_build_object(md5(state::text), jsonb_build_object('state', state,
            'orders', coalesce((found #>> array[md5(state::text), 'orders'])::integer, 0) + 1));
    end loop;
    reset role;
    insert into ends select value -> 'state', (value ->> 'orders')::integer from jsonb_each(found);
end $$;
select jsonb_agg(jsonb_build_object('state', state, 'orders', orders)) from ends;
"""


def lives(sale):
    """name -> five events, and what must come of them (of the subscription's row)."""
    t = sale.began
    renewed = {"current_period_start": t + 30 * DAY, "current_period_end": t + 60 * DAY}
    return {
        "bought, then canceled": ([sale.completed(), sale.created(), sale.updated(), sale.paid(), sale.deleted()],
                                  {"status": "canceled", "grace_until": None}),
        "everything within one second": ([sale.completed(1), sale.created(1), sale.updated(1), sale.paid(1),
                                          sale.event("customer.subscription.updated", 1, sale.subscription_object("past_due"), "evt_0")],
                                         {"status": "past_due"}),
        "a renewal that fails": ([sale.completed(), sale.created(), sale.updated(), sale.failed(id="in_2"),
                                  sale.updated(30 * DAY, "past_due", **renewed)],
                                 {"status": "past_due", "grace_until": t + 37 * DAY}),
        "fails, fails, is made up for": ([sale.updated(30 * DAY, "past_due", **renewed), sale.failed(30 * DAY, "in_2"),
                                          sale.failed(33 * DAY, "in_2"), sale.paid(34 * DAY, "in_2"),
                                          sale.updated(34 * DAY, "active", **renewed)],
                                         {"status": "active", "grace_until": None}),
        "one made up for, the next fails": ([sale.updated(62 * DAY, "past_due"), sale.failed(30 * DAY, "in_2"),
                                             sale.paid(34 * DAY, "in_2"), sale.failed(60 * DAY, "in_3"), sale.failed(61 * DAY, "in_3")],
                                            {"status": "past_due", "grace_until": t + 67 * DAY}),
        "a trial, a change of plan": ([sale.created(1, "trialing", trial_end=t + 14 * DAY), sale.completed(2),
                                       sale.updated(14 * DAY, "active"), sale.paid(14 * DAY),
                                       sale.updated(15 * DAY, "active", cancel_at_period_end=True)],
                                      {"status": "active", "cancel_at_period_end": True}),
    }


def ends(sql, tenant, events):
    """[(state, how many orders ended in it)]"""
    said = sql(RUN % (json.dumps(events), f"'{tenant}'", STATE))
    return [(x["state"], x["orders"]) for x in json.loads(said.splitlines()[-1])]
