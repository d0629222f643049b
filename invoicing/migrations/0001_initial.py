import core.ids
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('customers', '0002_audit_updates_in_bulk'),
        ('subscriptions', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Charge',
            fields=[
                ('id', core.ids.TypeIdField(editable=False, new=True, prefix='chg', primary_key=True, serialize=False)),
                ('item', models.CharField(max_length=160)),
                ('price_key', models.CharField(max_length=128)),
                ('version', models.CharField(max_length=40)),
                ('quantity', models.PositiveIntegerField()),
                ('part', models.CharField(choices=[('fee', 'fee'), ('one_time', 'one time'), ('true_up', 'true up')], max_length=16)),
                ('kind', models.CharField(choices=[('advance', 'advance'), ('arrears', 'arrears'), ('credit', 'credit'), ('forfeited', 'forfeited')], max_length=16)),
                ('amount', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('settlement', models.CharField(choices=[('none', 'none'), ('credit', 'credit'), ('refund', 'refund')], max_length=16)),
                ('period_start', models.DateTimeField()),
                ('period_end', models.DateTimeField(null=True)),
                ('served_start', models.DateTimeField()),
                ('served_end', models.DateTimeField(null=True)),
                ('segments', models.JSONField()),
                ('unit_price', models.CharField(blank=True, max_length=64)),
                ('explanation', models.TextField()),
                ('is_imported', models.BooleanField(default=False)),
                ('due_at', models.DateTimeField()),
                ('at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('subscription', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='charges', to='subscriptions.subscription')),
            ],
        ),
        migrations.CreateModel(
            name='CreditBalance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', models.CharField(max_length=3)),
                ('amount', models.BigIntegerField()),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
            ],
        ),
        migrations.CreateModel(
            name='CreditEntry',
            fields=[
                ('id', core.ids.TypeIdField(editable=False, new=True, prefix='cre', primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('settlement', 'Settlement'), ('goodwill', 'Goodwill')], max_length=16)),
                ('amount', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('reason', models.TextField(blank=True)),
                ('at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('charge', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='goodwill', to='invoicing.charge')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('subscription', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='subscriptions.subscription')),
            ],
            options={
                'verbose_name_plural': 'credit entries',
            },
        ),
        migrations.CreateModel(
            name='NextCharge',
            fields=[
                ('subscription', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='subscriptions.subscription')),
                ('at', models.DateTimeField()),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
            ],
        ),
        migrations.CreateModel(
            name='RefundIntent',
            fields=[
                ('id', core.ids.TypeIdField(editable=False, new=True, prefix='rfi', primary_key=True, serialize=False)),
                ('amount', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='subscriptions.subscription')),
            ],
        ),
        migrations.AddIndex(
            model_name='charge',
            index=models.Index(fields=['subscription', 'served_end'], name='charge_of_open_periods'),
        ),
        migrations.AddIndex(
            model_name='charge',
            index=models.Index(fields=['customer', '-id'], name='charge_by_customer'),
        ),
        migrations.AddConstraint(
            model_name='charge',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount__gt', 0), ('kind__in', ('advance', 'arrears'))), models.Q(('amount__lt', 0), ('kind', 'credit')), models.Q(('kind', 'forfeited'), models.Q(('amount', 0), _negated=True)), _connector='OR'), name='charge_sign_is_its_kinds'),
        ),
        migrations.AddConstraint(
            model_name='charge',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('period_end', None), ('served_end', None)), models.Q(('period_end__gt', models.F('period_start')), ('period_end__isnull', False), ('served_end__gt', models.F('served_start')), ('served_end__isnull', False)), _connector='OR'), name='charge_period_is_forward'),
        ),
        migrations.AddConstraint(
            model_name='charge',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('part', 'one_time'), ('served_end', None)), models.Q(models.Q(('part', 'one_time'), _negated=True), ('served_end__isnull', False)), _connector='OR'), name='charge_without_end_iff_one_time'),
        ),
        migrations.AddConstraint(
            model_name='charge',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'credit'), ('settlement__in', ('credit', 'refund'))), models.Q(models.Q(('kind', 'credit'), _negated=True), ('settlement', 'none')), _connector='OR'), name='charge_settles_iff_credit'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='charge',
            trigger=pgtrigger.compiler.Trigger(name='audit_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'insert', to_jsonb(n)\n FROM new_rows n; RETURN NULL;", hash='67634daac95948de40827574bcc53ad6f551dece', level='STATEMENT', operation='INSERT', pgid='pgtrigger_audit_insert_0c93a', referencing='REFERENCING NEW TABLE AS new_rows ', table='invoicing_charge', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='charge',
            trigger=pgtrigger.compiler.Trigger(name='audit_update', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'update', changed.columns\n FROM new_rows n FULL JOIN old_rows o ON o.id = n.id\n    CROSS JOIN LATERAL (\n        SELECT jsonb_object_agg(new_value.key, jsonb_build_array(to_jsonb(o) -> new_value.key, new_value.value)) AS columns\n        FROM jsonb_each(to_jsonb(n)) AS new_value\n        WHERE new_value.value IS DISTINCT FROM to_jsonb(o) -> new_value.key\n            AND NOT new_value.key = ANY (ARRAY[]::text[])\n    ) AS changed\n    WHERE changed.columns IS NOT NULL;\n    RETURN NULL;\n", hash='8f62b6bdbb666b67bf5547497d1adf8b74603a5f', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_audit_update_733b0', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='invoicing_charge', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='charge',
            trigger=pgtrigger.compiler.Trigger(name='audit_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, o.id::text, o.customer_id, 'delete', to_jsonb(o)\n FROM old_rows o; RETURN NULL;", hash='0da8ea2cdba61616a48576fbaf36faba32c5be5d', level='STATEMENT', operation='DELETE', pgid='pgtrigger_audit_delete_33de6', referencing='REFERENCING OLD TABLE AS old_rows ', table='invoicing_charge', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='charge',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='4a7e0e2221d8a2cddc258fa110ba0db8f22bdf7d', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_53056', table='invoicing_charge', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='creditbalance',
            constraint=models.UniqueConstraint(fields=('customer', 'currency'), name='credit_balance_per_currency'),
        ),
        migrations.AddConstraint(
            model_name='creditbalance',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='credit_balance_is_not_negative'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditbalance',
            trigger=pgtrigger.compiler.Trigger(name='audit_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'insert', to_jsonb(n)\n FROM new_rows n; RETURN NULL;", hash='1a51f20e3c3c3df0396314b05a3e437d2c6699a9', level='STATEMENT', operation='INSERT', pgid='pgtrigger_audit_insert_08e2e', referencing='REFERENCING NEW TABLE AS new_rows ', table='invoicing_creditbalance', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditbalance',
            trigger=pgtrigger.compiler.Trigger(name='audit_update', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'update', changed.columns\n FROM new_rows n FULL JOIN old_rows o ON o.id = n.id\n    CROSS JOIN LATERAL (\n        SELECT jsonb_object_agg(new_value.key, jsonb_build_array(to_jsonb(o) -> new_value.key, new_value.value)) AS columns\n        FROM jsonb_each(to_jsonb(n)) AS new_value\n        WHERE new_value.value IS DISTINCT FROM to_jsonb(o) -> new_value.key\n            AND NOT new_value.key = ANY (ARRAY[]::text[])\n    ) AS changed\n    WHERE changed.columns IS NOT NULL;\n    RETURN NULL;\n", hash='044d76ccc53486c45ed11c17e8ccdf35b8e2c329', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_audit_update_c86f0', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='invoicing_creditbalance', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditbalance',
            trigger=pgtrigger.compiler.Trigger(name='audit_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, o.id::text, o.customer_id, 'delete', to_jsonb(o)\n FROM old_rows o; RETURN NULL;", hash='57d7240fca5a550caeb5d71234cb761000d8fdc9', level='STATEMENT', operation='DELETE', pgid='pgtrigger_audit_delete_1c894', referencing='REFERENCING OLD TABLE AS old_rows ', table='invoicing_creditbalance', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='creditentry',
            index=models.Index(fields=['customer', '-id'], name='credit_by_customer'),
        ),
        migrations.AddConstraint(
            model_name='creditentry',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='credit_is_positive'),
        ),
        migrations.AddConstraint(
            model_name='creditentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('charge', None), ('kind', 'settlement'), ('subscription__isnull', False)), models.Q(('kind', 'goodwill'), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='credit_names_what_it_needs'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditentry',
            trigger=pgtrigger.compiler.Trigger(name='audit_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'insert', to_jsonb(n)\n FROM new_rows n; RETURN NULL;", hash='cbf84b0f1cf310c081c10293f129c1f0bc1cbef0', level='STATEMENT', operation='INSERT', pgid='pgtrigger_audit_insert_61687', referencing='REFERENCING NEW TABLE AS new_rows ', table='invoicing_creditentry', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditentry',
            trigger=pgtrigger.compiler.Trigger(name='audit_update', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'update', changed.columns\n FROM new_rows n FULL JOIN old_rows o ON o.id = n.id\n    CROSS JOIN LATERAL (\n        SELECT jsonb_object_agg(new_value.key, jsonb_build_array(to_jsonb(o) -> new_value.key, new_value.value)) AS columns\n        FROM jsonb_each(to_jsonb(n)) AS new_value\n        WHERE new_value.value IS DISTINCT FROM to_jsonb(o) -> new_value.key\n            AND NOT new_value.key = ANY (ARRAY[]::text[])\n    ) AS changed\n    WHERE changed.columns IS NOT NULL;\n    RETURN NULL;\n", hash='715d59f1576c0b9fca764e9f58d3b4b40d3fa1fc', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_audit_update_d600a', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='invoicing_creditentry', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditentry',
            trigger=pgtrigger.compiler.Trigger(name='audit_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, o.id::text, o.customer_id, 'delete', to_jsonb(o)\n FROM old_rows o; RETURN NULL;", hash='4385465f895dad5c094fa9c1bdd6f85a050b511b', level='STATEMENT', operation='DELETE', pgid='pgtrigger_audit_delete_821fc', referencing='REFERENCING OLD TABLE AS old_rows ', table='invoicing_creditentry', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='creditentry',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='f19ff0ad9f5f6fd2020115f3a641c2ef7a7f4a71', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_8133f', table='invoicing_creditentry', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='nextcharge',
            index=models.Index(fields=['customer', 'at'], name='next_charge_due'),
        ),
        migrations.AddConstraint(
            model_name='refundintent',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='refund_is_positive'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='refundintent',
            trigger=pgtrigger.compiler.Trigger(name='audit_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'insert', to_jsonb(n)\n FROM new_rows n; RETURN NULL;", hash='5bd1dde659cd056ed5ad805ba0531b3817e34b68', level='STATEMENT', operation='INSERT', pgid='pgtrigger_audit_insert_5ff53', referencing='REFERENCING NEW TABLE AS new_rows ', table='invoicing_refundintent', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='refundintent',
            trigger=pgtrigger.compiler.Trigger(name='audit_update', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'update', changed.columns\n FROM new_rows n FULL JOIN old_rows o ON o.id = n.id\n    CROSS JOIN LATERAL (\n        SELECT jsonb_object_agg(new_value.key, jsonb_build_array(to_jsonb(o) -> new_value.key, new_value.value)) AS columns\n        FROM jsonb_each(to_jsonb(n)) AS new_value\n        WHERE new_value.value IS DISTINCT FROM to_jsonb(o) -> new_value.key\n            AND NOT new_value.key = ANY (ARRAY[]::text[])\n    ) AS changed\n    WHERE changed.columns IS NOT NULL;\n    RETURN NULL;\n", hash='cc45a668b9ec92ebefbacd750619616eedc40278', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_audit_update_1a684', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='invoicing_refundintent', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='refundintent',
            trigger=pgtrigger.compiler.Trigger(name='audit_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, o.id::text, o.customer_id, 'delete', to_jsonb(o)\n FROM old_rows o; RETURN NULL;", hash='0059c00c55b9f4aef20aa5d01b37c0d64e67bcab', level='STATEMENT', operation='DELETE', pgid='pgtrigger_audit_delete_000e5', referencing='REFERENCING OLD TABLE AS old_rows ', table='invoicing_refundintent', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='refundintent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='1553e3ebe7965757d8983671ee1103663358ff00', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_0a7e0', table='invoicing_refundintent', when='BEFORE')),
        ),
    ]
