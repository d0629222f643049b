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
            name='ChangeSet',
            fields=[
                ('id', core.ids.TypeIdField(editable=False, new=True, prefix='chs', primary_key=True, serialize=False)),
                ('operations', models.JSONField(default=list)),
                ('selector', models.JSONField(null=True)),
                ('all_or_nothing', models.BooleanField(default=False)),
                ('may_override', models.BooleanField()),
                ('state', models.CharField(choices=[('computing', 'Computing'), ('ready', 'Ready'), ('approved', 'Approved'), ('applying', 'Applying'), ('paused', 'Paused'), ('applied', 'Applied'), ('partly_applied', 'Partly Applied'), ('discarded', 'Discarded'), ('expired', 'Expired')], default='computing', max_length=16)),
                ('effective_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField()),
                ('reason', models.TextField(blank=True)),
                ('created_at', models.DateTimeField()),
                ('created_by', models.CharField(max_length=128)),
                ('approved_at', models.DateTimeField(null=True)),
                ('approved_by', models.CharField(blank=True, max_length=128)),
                ('applied_by', models.CharField(blank=True, max_length=128)),
                ('finished_at', models.DateTimeField(null=True)),
                ('totals', models.JSONField(default=dict)),
                ('customer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('undoes', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='undone_by', to='changes.changeset')),
            ],
        ),
        migrations.CreateModel(
            name='ChangeSetItem',
            fields=[
                ('id', core.ids.TypeIdField(editable=False, new=True, prefix='chi', primary_key=True, serialize=False)),
                ('place', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('previewed', 'Previewed'), ('stale', 'Stale'), ('applied', 'Applied'), ('failed', 'Failed'), ('skipped', 'Skipped'), ('undone', 'Undone')], default='pending', max_length=16)),
                ('effective_at', models.DateTimeField()),
                ('valid_until', models.DateTimeField(null=True)),
                ('inputs', models.JSONField(default=list)),
                ('applied_inputs', models.JSONField(default=list)),
                ('before', models.JSONField(null=True)),
                ('after', models.JSONField(null=True)),
                ('preview', models.JSONField(null=True)),
                ('error_code', models.CharField(blank=True, max_length=64)),
                ('error_detail', models.TextField(blank=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('fencing_token', models.PositiveIntegerField(default=0)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('applied_at', models.DateTimeField(null=True)),
                ('change_set', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='changes.changeset')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer')),
                ('subject', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.subject')),
                ('subscription', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='subscriptions.subscription')),
                ('undoes', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='changes.changesetitem')),
            ],
        ),
        migrations.AddIndex(
            model_name='changeset',
            index=models.Index(condition=models.Q(('state__in', ['computing', 'ready', 'approved', 'applying', 'paused'])), fields=['state', 'id'], name='change_set_open'),
        ),
        migrations.AddConstraint(
            model_name='changeset',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('approved_at', None), ('approved_by', '')), models.Q(('approved_at__isnull', False), models.Q(('approved_by', ''), _negated=True)), _connector='OR'), name='change_set_approved_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='changeset',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['applying', 'paused', 'applied', 'partly_applied']), _negated=True), models.Q(('approved_at__isnull', False), models.Q(('applied_by', ''), _negated=True)), _connector='OR'), name='change_set_applied_once_approved'),
        ),
        migrations.AddConstraint(
            model_name='changeset',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('state__in', ['applied', 'partly_applied', 'discarded', 'expired'])), models.Q(models.Q(('state__in', ['applied', 'partly_applied', 'discarded', 'expired']), _negated=True), ('finished_at', None)), _connector='OR'), name='change_set_finished_iff_done'),
        ),
        migrations.AddConstraint(
            model_name='changeset',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('customer', None), ('effective_at', None)), models.Q(('customer__isnull', False), ('effective_at__isnull', False)), _connector='OR'), name='change_set_of_one_has_its_instant'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='changeset',
            trigger=pgtrigger.compiler.Trigger(name='audit_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'insert', to_jsonb(n)\n FROM new_rows n; RETURN NULL;", hash='797dda791decce73899aa0292a5d864044b5e54f', level='STATEMENT', operation='INSERT', pgid='pgtrigger_audit_insert_0fddf', referencing='REFERENCING NEW TABLE AS new_rows ', table='changes_changeset', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='changeset',
            trigger=pgtrigger.compiler.Trigger(name='audit_update', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, n.id::text, n.customer_id, 'update', changed.columns\n FROM new_rows n FULL JOIN old_rows o ON o.id = n.id\n    CROSS JOIN LATERAL (\n        SELECT jsonb_object_agg(new_value.key, jsonb_build_array(to_jsonb(o) -> new_value.key, new_value.value)) AS columns\n        FROM jsonb_each(to_jsonb(n)) AS new_value\n        WHERE new_value.value IS DISTINCT FROM to_jsonb(o) -> new_value.key\n            AND NOT new_value.key = ANY (ARRAY['totals']::text[])\n    ) AS changed\n    WHERE changed.columns IS NOT NULL;\n    RETURN NULL;\n", hash='fb2c710b9b7bb72d8bcccfcad46b6a967749dc9b', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_audit_update_8c940', referencing='REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ', table='changes_changeset', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='changeset',
            trigger=pgtrigger.compiler.Trigger(name='audit_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    INSERT INTO core_auditentry\n        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)\n    SELECT clock_timestamp(), current_setting('billing.actor', true),\n        coalesce(current_setting('billing.reason', true), ''),\n        coalesce(current_setting('billing.request_id', true), ''),\n        TG_TABLE_NAME, o.id::text, o.customer_id, 'delete', to_jsonb(o)\n FROM old_rows o; RETURN NULL;", hash='0cfeab0389a5b1fa8897eee11921b0ca596b911f', level='STATEMENT', operation='DELETE', pgid='pgtrigger_audit_delete_97b2a', referencing='REFERENCING OLD TABLE AS old_rows ', table='changes_changeset', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='changesetitem',
            index=models.Index(fields=['change_set', 'state', 'place'], name='change_set_item_by_state'),
        ),
        migrations.AddConstraint(
            model_name='changesetitem',
            constraint=models.UniqueConstraint(fields=('change_set', 'place'), name='change_set_item_in_its_place'),
        ),
        migrations.AddConstraint(
            model_name='changesetitem',
            constraint=models.UniqueConstraint(condition=models.Q(('subscription__isnull', False)), fields=('change_set', 'subscription'), name='change_set_item_once'),
        ),
        migrations.AddConstraint(
            model_name='changesetitem',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('applied_at__isnull', False), ('state__in', ['applied', 'undone'])), models.Q(models.Q(('state__in', ['applied', 'undone']), _negated=True), ('applied_at', None)), _connector='OR'), name='change_set_item_applied_iff_it_was'),
        ),
        migrations.AddConstraint(
            model_name='changesetitem',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['previewed', 'applied', 'undone']), _negated=True), models.Q(('after__isnull', False), ('preview__isnull', False)), _connector='OR'), name='change_set_item_shows_what_it_does'),
        ),
        migrations.AddConstraint(
            model_name='changesetitem',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['stale', 'failed']), _negated=True), models.Q(('error_code', ''), _negated=True), _connector='OR'), name='change_set_item_says_what_is_wrong'),
        ),
    ]
