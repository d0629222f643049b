import core.ids
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.comparison
import pgtrigger.compiler
import pgtrigger.migrations
import subscriptions.block_models
import subscriptions.models
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('customers', '0002_audit_updates_in_bulk'),
        ('plans', '0003_audit_updates_in_bulk'),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', core.ids.TypeIdField(editable=False, new=True, prefix='sub', primary_key=True, serialize=False)),
                ('is_exclusive', models.BooleanField()),
                ('interval', models.CharField(max_length=32)),
                ('currency', models.CharField(max_length=3)),
                ('quantity', models.PositiveIntegerField(default=1)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('trialing', 'Trialing'), ('active', 'Active'), ('past_due', 'Past Due'), ('paused', 'Paused'), ('canceled', 'Canceled')], max_length=16)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('period_start', models.DateTimeField()),
                ('period_end', models.DateTimeField()),
                ('next_due_at', models.DateTimeField(null=True)),
                ('metadata', models.JSONField(default=dict)),
                ('version', models.PositiveIntegerField(default=1)),
                ('updated_at', models.DateTimeField()),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='subscriptions', to='customers.customer')),
                ('plan_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='plans.planversion')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='plans.product')),
                ('subject', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='subscriptions', to='customers.subject')),
            ],
        ),
        migrations.CreateModel(
            name='PendingChange',
            fields=[
                ('id', core.ids.TypeIdField(editable=False, new=True, prefix='pch', primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('start', 'Start'), ('billing_start', 'Billing Start'), ('plan', 'Plan'), ('quantity', 'Quantity'), ('add_on', 'Add On'), ('end', 'End'), ('billing_end', 'Billing End'), ('pause', 'Pause'), ('resume', 'Resume'), ('anchor', 'Anchor')], max_length=16)),
                ('key', models.CharField(blank=True, max_length=128)),
                ('effective_at', models.DateTimeField()),
                ('with_period', models.BooleanField()),
                ('interval', models.CharField(blank=True, max_length=32)),
                ('details', models.JSONField(default=dict)),
                ('decision', models.JSONField(default=dict)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('applied', 'Applied'), ('replaced', 'Replaced'), ('canceled', 'Canceled'), ('superseded', 'Superseded')], default='pending', max_length=16)),
                ('created_at', models.DateTimeField()),
                ('resolved_at', models.DateTimeField(null=True)),
                ('recorded_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('plan_version', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='plans.planversion')),
                ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='subscriptions.subscription')),
            ],
        ),
        migrations.CreateModel(
            name='Block',
            fields=[
                ('id', core.ids.TypeIdField(editable=False, new=True, prefix='blk', primary_key=True, serialize=False)),
                ('scope', models.CharField(choices=[('customer', 'customer'), ('subject', 'subject'), ('subscription', 'subscription'), ('product', 'product')], max_length=16)),
                ('name', models.CharField(max_length=128)),
                ('source', models.CharField(max_length=128)),
                ('effects', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('access', 'access'), ('change', 'change'), ('billing', 'billing')], max_length=16), size=None)),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField(null=True)),
                ('public_reason', models.CharField(blank=True, max_length=500)),
                ('internal_reason', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField()),
                ('lifted_at', models.DateTimeField(null=True)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('product', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='plans.product')),
                ('subject', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.subject')),
                ('subscription', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='subscriptions.subscription')),
            ],
        ),
        migrations.CreateModel(
            name='Term',
            fields=[
                ('id', core.ids.TypeIdField(editable=False, new=True, prefix='trm', primary_key=True, serialize=False)),
                ('starts_at', models.DateTimeField()),
                ('interval', models.CharField(max_length=32)),
                ('currency', models.CharField(max_length=3)),
                ('quantity', models.PositiveIntegerField()),
                ('add_ons', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('trialing', 'Trialing'), ('active', 'Active'), ('past_due', 'Past Due'), ('paused', 'Paused'), ('canceled', 'Canceled')], max_length=16)),
                ('anchor_at', models.DateTimeField()),
                ('anchor_day', models.PositiveSmallIntegerField(null=True)),
                ('zone', models.CharField(max_length=64)),
                ('shift_seconds', models.PositiveBigIntegerField(default=0)),
                ('joined_at', models.DateTimeField(null=True)),
                ('left_zone', models.CharField(blank=True, max_length=64)),
                ('period_start', models.DateTimeField()),
                ('period_end', models.DateTimeField()),
                ('trial_starts_at', models.DateTimeField(null=True)),
                ('trial_ends_at', models.DateTimeField(null=True)),
                ('paused_since', models.DateTimeField(null=True)),
                ('pause_mode', models.CharField(blank=True, choices=[('credit', 'credit'), ('extend', 'extend')], max_length=6)),
                ('is_past_due_in_pause', models.BooleanField(default=False)),
                ('is_billed', models.BooleanField(default=True)),
                ('is_composed', models.BooleanField(default=False)),
                ('cause', models.CharField(choices=[('default', 'Default'), ('subscribed', 'Subscribed'), ('imported', 'Imported'), ('changed', 'Changed'), ('scheduled', 'Scheduled'), ('fallback', 'Fallback'), ('trial_end', 'Trial End'), ('trial_moved', 'Trial Moved'), ('reanchored', 'Reanchored'), ('billing_start', 'Billing Start'), ('billing_end', 'Billing End'), ('paused', 'Paused'), ('resumed', 'Resumed'), ('payment_failed', 'Payment Failed'), ('past_due', 'Past Due'), ('recovered', 'Recovered'), ('restored', 'Restored'), ('canceled', 'Canceled'), ('owner_ended', 'Owner Ended')], max_length=16)),
                ('decision', models.JSONField(default=dict)),
                ('recorded_at', models.DateTimeField()),
                ('superseded_at', models.DateTimeField(null=True)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('plan_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='plans.planversion')),
                ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='terms', to='subscriptions.subscription')),
            ],
        ),
        migrations.AddField(
            model_name='subscription',
            name='term',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='subscriptions.term'),
        ),
        migrations.CreateModel(
            name='SpentTrial',
            fields=[
                ('id', core.ids.TypeIdField(editable=False, new=True, prefix='trl', primary_key=True, serialize=False)),
                ('starts_at', models.DateTimeField()),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='plans.product')),
                ('subject', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.subject')),
                ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='subscriptions.subscription')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('product', 'customer', 'subject'), name='trial_once', nulls_distinct=False)],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='spenttrial',
            trigger=pgtrigger.compiler.Trigger(name='audit_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'insert', to_jsonb(n)\n FROM new_rows n; RETURN NULL;", hash='084f6641d047b9b8d6fe0a149d388f2e27f8ef2c', level='STATEMENT', operation='INSERT', pgid='pgtrigger_audit_insert_f4a9e', referencing='REFERENCING NEW TABLE AS new_rows ', table='subscriptions_spenttrial', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='spenttrial',
            trigger=pgtrigger.compiler.Trigger(name='audit_update', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'update', changed.columns\n FROM new_rows n FULL JOIN old_rows o ON o.id = n.id\n    CROSS JOIN LATERAL (\n        SELECT jsonb_object_agg(new_value.key, jsonb_build_array(to_jsonb(o) -> new_value.key, new_value.value)) AS columns\n        FROM jsonb_each(to_jsonb(n)) AS new_value\n        WHERE new_value.value IS DISTINCT FROM to_jsonb(o) -> new_value.key\n            AND NOT new_value.key = ANY (ARRAY[]::text[])\n    ) AS changed\n    WHERE changed.columns IS NOT NULL;\n    RETURN NULL;\n", hash='e99e3a38b1a52d11414b43750f8505371a0e7527', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_audit_update_1a86e', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='subscriptions_spenttrial', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='spenttrial',
            trigger=pgtrigger.compiler.Trigger(name='audit_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, o.id::text, o.customer_id, 'delete', to_jsonb(o)\n FROM old_rows o; RETURN NULL;", hash='91a71f5461531286186ebf786fe78c38f28e3cac', level='STATEMENT', operation='DELETE', pgid='pgtrigger_audit_delete_d916c', referencing='REFERENCING OLD TABLE AS old_rows ', table='subscriptions_spenttrial', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='pendingchange',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'pending')), fields=('subscription', 'kind', 'key'), name='pending_change_one_per_kind'),
        ),
        migrations.AddConstraint(
            model_name='pendingchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['plan', 'end']), ('plan_version__isnull', False), models.Q(('interval', ''), _negated=True)), models.Q(models.Q(('kind', 'plan'), _negated=True), ('interval', ''), ('plan_version', None)), _connector='OR'), name='pending_change_names_what_it_needs'),
        ),
        migrations.AddConstraint(
            model_name='pendingchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('resolved_at', None), ('status', 'pending')), models.Q(models.Q(('status', 'pending'), _negated=True), ('closed_at__isnull', False), ('resolved_at__isnull', False)), _connector='OR'), name='pending_change_resolved_iff_not_pending'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='pendingchange',
            trigger=pgtrigger.compiler.Trigger(name='audit_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'insert', to_jsonb(n)\n FROM new_rows n; RETURN NULL;", hash='054587ae7b67480cd06bca4a67d92aec9f6239c7', level='STATEMENT', operation='INSERT', pgid='pgtrigger_audit_insert_4f856', referencing='REFERENCING NEW TABLE AS new_rows ', table='subscriptions_pendingchange', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='pendingchange',
            trigger=pgtrigger.compiler.Trigger(name='audit_update', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'update', changed.columns\n FROM new_rows n FULL JOIN old_rows o ON o.id = n.id\n    CROSS JOIN LATERAL (\n        SELECT jsonb_object_agg(new_value.key, jsonb_build_array(to_jsonb(o) -> new_value.key, new_value.value)) AS columns\n        FROM jsonb_each(to_jsonb(n)) AS new_value\n        WHERE new_value.value IS DISTINCT FROM to_jsonb(o) -> new_value.key\n            AND NOT new_value.key = ANY (ARRAY[]::text[])\n    ) AS changed\n    WHERE changed.columns IS NOT NULL;\n    RETURN NULL;\n", hash='46eca355ddc74ad9947eaeeea2727a8e457e9a1e', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_audit_update_719e6', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='subscriptions_pendingchange', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='pendingchange',
            trigger=pgtrigger.compiler.Trigger(name='audit_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, o.id::text, o.customer_id, 'delete', to_jsonb(o)\n FROM old_rows o; RETURN NULL;", hash='23603e0e8eca088d112fab36de7dfc3d2475c050', level='STATEMENT', operation='DELETE', pgid='pgtrigger_audit_delete_4e149', referencing='REFERENCING OLD TABLE AS old_rows ', table='subscriptions_pendingchange', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='block',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('product__isnull', True), ('scope', 'customer'), ('subject__isnull', True), ('subscription__isnull', True)), models.Q(('product__isnull', True), ('scope', 'subject'), ('subject__isnull', False), ('subscription__isnull', True)), models.Q(('product__isnull', True), ('scope', 'subscription'), ('subject__isnull', True), ('subscription__isnull', False)), models.Q(('product__isnull', False), ('scope', 'product'), ('subject__isnull', True), ('subscription__isnull', True)), _connector='OR'), name='block_names_what_it_covers'),
        ),
        migrations.AddConstraint(
            model_name='block',
            constraint=models.CheckConstraint(condition=models.Q(('effects__contained_by', ['access', 'change', 'billing']), ('effects__len__gte', 1)), name='block_has_effects'),
        ),
        migrations.AddConstraint(
            model_name='block',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at', None), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='block_lasts'),
        ),
        migrations.AddConstraint(
            model_name='block',
            constraint=models.CheckConstraint(condition=models.Q(('starts_at__gte', models.F('created_at')), models.Q(('lifted_at', None), ('lifted_at__gte', models.F('created_at')), _connector='OR')), name='block_begins_when_it_is_made_or_later'),
        ),
        migrations.AddConstraint(
            model_name='block',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('lifted_at', None), ('lifted_at__gt', models.F('starts_at')), _connector='OR'), expressions=[('customer', '='), (django.db.models.functions.comparison.Coalesce('subject', 'subscription', 'product', 'customer'), '='), ('name', '='), ('source', '='), (subscriptions.block_models._InEffect('starts_at', django.db.models.functions.comparison.Least('ends_at', 'lifted_at')), '&&')], name='block_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='block',
            trigger=pgtrigger.compiler.Trigger(name='audit_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'insert', to_jsonb(n)\n FROM new_rows n; RETURN NULL;", hash='769f397b0d2cf28ba74f72099e6ad351288e2e79', level='STATEMENT', operation='INSERT', pgid='pgtrigger_audit_insert_72101', referencing='REFERENCING NEW TABLE AS new_rows ', table='subscriptions_block', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='block',
            trigger=pgtrigger.compiler.Trigger(name='audit_update', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'update', changed.columns\n FROM new_rows n FULL JOIN old_rows o ON o.id = n.id\n    CROSS JOIN LATERAL (\n        SELECT jsonb_object_agg(new_value.key, jsonb_build_array(to_jsonb(o) -> new_value.key, new_value.value)) AS columns\n        FROM jsonb_each(to_jsonb(n)) AS new_value\n        WHERE new_value.value IS DISTINCT FROM to_jsonb(o) -> new_value.key\n            AND NOT new_value.key = ANY (ARRAY[]::text[])\n    ) AS changed\n    WHERE changed.columns IS NOT NULL;\n    RETURN NULL;\n", hash='405a4512a99e4af8e5108a1c674824f683f897fd', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_audit_update_56b98', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='subscriptions_block', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='block',
            trigger=pgtrigger.compiler.Trigger(name='audit_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, o.id::text, o.customer_id, 'delete', to_jsonb(o)\n FROM old_rows o; RETURN NULL;", hash='5ea4a6ce3f46ef77c0911a935cbd96777b3c1b26', level='STATEMENT', operation='DELETE', pgid='pgtrigger_audit_delete_55eeb', referencing='REFERENCING OLD TABLE AS old_rows ', table='subscriptions_block', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='term',
            index=models.Index(fields=['customer', 'starts_at'], name='term_by_customer'),
        ),
        migrations.AddConstraint(
            model_name='term',
            constraint=models.UniqueConstraint(condition=models.Q(('superseded_at', None)), fields=('subscription', 'starts_at'), name='term_one_per_instant'),
        ),
        migrations.AddConstraint(
            model_name='term',
            constraint=models.CheckConstraint(condition=models.Q(('period_start__lt', models.F('period_end'))), name='term_period_is_forward'),
        ),
        migrations.AddConstraint(
            model_name='term',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('paused_since__isnull', False), ('state', 'paused'), models.Q(('pause_mode', ''), _negated=True)), models.Q(models.Q(('state', 'paused'), _negated=True), ('is_past_due_in_pause', False), ('pause_mode', ''), ('paused_since', None)), _connector='OR'), name='term_paused_iff_in_a_pause'),
        ),
        migrations.AddConstraint(
            model_name='term',
            constraint=models.CheckConstraint(condition=models.Q(('trial_starts_at__lt', models.F('trial_ends_at')), models.Q(('trial_ends_at', None), ('trial_starts_at', None), models.Q(('state', 'trialing'), _negated=True)), _connector='OR'), name='term_trialing_has_a_trial'),
        ),
        migrations.AddConstraint(
            model_name='term',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('joined_at', None), ('left_zone', '')), models.Q(('joined_at__isnull', False), models.Q(('left_zone', ''), _negated=True)), _connector='OR'), name='term_joined_a_zone_from_another'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='term',
            trigger=pgtrigger.compiler.Trigger(name='audit_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'insert', to_jsonb(n)\n FROM new_rows n; RETURN NULL;", hash='b6a72df181c58d56fdae37d64be03ad5cc644335', level='STATEMENT', operation='INSERT', pgid='pgtrigger_audit_insert_ec58d', referencing='REFERENCING NEW TABLE AS new_rows ', table='subscriptions_term', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='term',
            trigger=pgtrigger.compiler.Trigger(name='audit_update', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'update', changed.columns\n FROM new_rows n FULL JOIN old_rows o ON o.id = n.id\n    CROSS JOIN LATERAL (\n        SELECT jsonb_object_agg(new_value.key, jsonb_build_array(to_jsonb(o) -> new_value.key, new_value.value)) AS columns\n        FROM jsonb_each(to_jsonb(n)) AS new_value\n        WHERE new_value.value IS DISTINCT FROM to_jsonb(o) -> new_value.key\n            AND NOT new_value.key = ANY (ARRAY[]::text[])\n    ) AS changed\n    WHERE changed.columns IS NOT NULL;\n    RETURN NULL;\n", hash='258e47ea4d77ed0936fc59a80be73ad9628d3951', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_audit_update_82cee', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='subscriptions_term', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='term',
            trigger=pgtrigger.compiler.Trigger(name='audit_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, o.id::text, o.customer_id, 'delete', to_jsonb(o)\n FROM old_rows o; RETURN NULL;", hash='8bbaa082d067c1ede6ca3b4ac96c0478925452be', level='STATEMENT', operation='DELETE', pgid='pgtrigger_audit_delete_77d2b', referencing='REFERENCING OLD TABLE AS old_rows ', table='subscriptions_term', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(condition=models.Q(('next_due_at__isnull', False)), fields=['customer', 'next_due_at'], name='subscription_due'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(fields=['plan_version', 'state'], name='subscription_by_version'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(fields=['updated_at'], name='subscription_updated'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(('period_start__lt', models.F('period_end'))), name='subscription_period_is_forward'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('next_due_at', None), ('state', 'canceled')), models.Q(models.Q(('state', 'canceled'), _negated=True), ('ended_at', None)), _connector='OR'), name='subscription_ended_iff_canceled'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['canceled', 'paused']), ('next_due_at__isnull', False), _connector='OR'), name='subscription_is_due_unless_it_waits'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.CheckConstraint(condition=models.Q(('ended_at', None), ('ended_at__gte', models.F('started_at')), _connector='OR'), name='subscription_ends_after_it_began'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('is_exclusive', True)), expressions=[('product', '='), (django.db.models.functions.comparison.Coalesce('subject', 'customer'), '='), (subscriptions.models._Range('started_at', 'ended_at'), '&&')], name='subscription_exclusive'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='subscription',
            trigger=pgtrigger.compiler.Trigger(name='audit_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'insert', to_jsonb(n)\n FROM new_rows n; RETURN NULL;", hash='3a768d6d338d69dbd3584932c8da69599ee9ff3d', level='STATEMENT', operation='INSERT', pgid='pgtrigger_audit_insert_90e7a', referencing='REFERENCING NEW TABLE AS new_rows ', table='subscriptions_subscription', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='subscription',
            trigger=pgtrigger.compiler.Trigger(name='audit_update', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'update', changed.columns\n FROM new_rows n FULL JOIN old_rows o ON o.id = n.id\n    CROSS JOIN LATERAL (\n        SELECT jsonb_object_agg(new_value.key, jsonb_build_array(to_jsonb(o) -> new_value.key, new_value.value)) AS columns\n        FROM jsonb_each(to_jsonb(n)) AS new_value\n        WHERE new_value.value IS DISTINCT FROM to_jsonb(o) -> new_value.key\n            AND NOT new_value.key = ANY (ARRAY['updated_at']::text[])\n    ) AS changed\n    WHERE changed.columns IS NOT NULL;\n    RETURN NULL;\n", hash='5d04b3d3d6b90d72fb1c66cd4532f95fc57f03b0', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_audit_update_7a974', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='subscriptions_subscription', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='subscription',
            trigger=pgtrigger.compiler.Trigger(name='audit_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, o.id::text, o.customer_id, 'delete', to_jsonb(o)\n FROM old_rows o; RETURN NULL;", hash='fc44d1861a1cffb149e773df86afa98b115e2294', level='STATEMENT', operation='DELETE', pgid='pgtrigger_audit_delete_68a70', referencing='REFERENCING OLD TABLE AS old_rows ', table='subscriptions_subscription', when='AFTER')),
        ),
    ]
