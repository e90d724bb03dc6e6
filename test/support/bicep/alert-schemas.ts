// Resource types that `azmcp` 2.0.5 cannot tell of, written down from their reference:
// learn.microsoft.com/azure/templates/microsoft.insights

import type { ObjectSchema, PropertySchema, ResourceSchema } from './resource-schema.ts';

/** `name!` is required. */
type Shape = Readonly<Record<string, string>>;

export const ALERT_SCHEMAS: ReadonlyMap<string, ResourceSchema> = new Map([
  [
    'Microsoft.Insights/scheduledQueryRules',
    schema({
      body: {
        'name!': 'string',
        'location!': 'string',
        tags: 'any',
        kind: 'LogAlert | LogToMetric',
        identity: 'any',
        'properties!': 'Rule',
      },
      Rule: {
        'criteria!': 'Criteria',
        'scopes!': 'string[]',
        displayName: 'string',
        description: 'string',
        severity: 'int',
        enabled: 'bool',
        evaluationFrequency: 'string',
        windowSize: 'string',
        overrideQueryTimeRange: 'string',
        targetResourceTypes: 'string[]',
        muteActionsDuration: 'string',
        autoMitigate: 'bool',
        skipQueryValidation: 'bool',
        checkWorkspaceAlertsStorageConfigured: 'bool',
        actions: 'Actions',
      },
      Criteria: { 'allOf!': 'Condition[]' },
      Condition: {
        'query!': 'string',
        timeAggregation: 'Average | Count | Maximum | Minimum | Total',
        metricMeasureColumn: 'string',
        resourceIdColumn: 'string',
        dimensions: 'Dimension[]',
        operator: 'Equals | GreaterThan | GreaterThanOrEqual | LessThan | LessThanOrEqual',
        threshold: 'int',
        failingPeriods: 'FailingPeriods',
        metricName: 'string',
      },
      Dimension: { 'name!': 'string', 'operator!': 'Exclude | Include', 'values!': 'string[]' },
      FailingPeriods: { numberOfEvaluationPeriods: 'int', minFailingPeriodsToAlert: 'int' },
      Actions: { actionGroups: 'string[]', customProperties: 'any', actionProperties: 'any' },
    }),
  ],
  [
    'Microsoft.Insights/metricAlerts',
    schema({
      body: { 'name!': 'string', 'location!': 'string', tags: 'any', 'properties!': 'Rule' },
      Rule: {
        'severity!': 'int',
        'enabled!': 'bool',
        'scopes!': 'string[]',
        'evaluationFrequency!': 'string',
        'windowSize!': 'string',
        'criteria!': 'Criteria',
        description: 'string',
        autoMitigate: 'bool',
        actions: 'Action[]',
        targetResourceType: 'string',
        targetResourceRegion: 'string',
      },
      Criteria: {
        'odata.type!':
          'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria | Microsoft.Azure.Monitor.MultipleResourceMultipleMetricCriteria',
        'allOf!': 'Condition[]',
      },
      Condition: {
        'criterionType!': 'StaticThresholdCriterion',
        'name!': 'string',
        'metricName!': 'string',
        metricNamespace: 'string',
        'timeAggregation!': 'Average | Count | Maximum | Minimum | Total',
        'operator!': 'Equals | GreaterThan | GreaterThanOrEqual | LessThan | LessThanOrEqual',
        'threshold!': 'int',
        dimensions: 'Dimension[]',
        skipMetricValidation: 'bool',
      },
      Dimension: { 'name!': 'string', 'operator!': 'string', 'values!': 'string[]' },
      Action: { actionGroupId: 'string', webHookProperties: 'any' },
    }),
  ],
  [
    'Microsoft.Insights/actionGroups',
    schema({
      body: { 'name!': 'string', 'location!': 'string', tags: 'any', properties: 'Group' },
      Group: {
        'groupShortName!': 'string',
        'enabled!': 'bool',
        emailReceivers: 'Email[]',
        webhookReceivers: 'Webhook[]',
      },
      Email: { 'name!': 'string', 'emailAddress!': 'string', useCommonAlertSchema: 'bool' },
      Webhook: { 'name!': 'string', 'serviceUri!': 'string', useCommonAlertSchema: 'bool' },
    }),
  ],
]);

function schema({
  body,
  ...types
}: Readonly<Record<'body', Shape>> & Readonly<Record<string, Shape>>): ResourceSchema {
  return {
    body: objectSchema(body),
    types: new Map(Object.entries(types).map(([name, shape]) => [name, objectSchema(shape)])),
  };
}

function objectSchema(shape: Shape): ObjectSchema {
  const properties = Object.entries(shape).map(([name, type]): [string, PropertySchema] => [
    name.replace(/!$/u, ''),
    { type, flags: new Set(name.endsWith('!') ? ['Required'] : []) },
  ]);
  return { properties: new Map(properties), others: undefined, variants: undefined };
}
