// Who is told of trouble, and when. Each rule's query is a file of its own under queries/, named like the rule, and each
// rule has a section of that name in docs/runbook.md.
param name string
param location string
param tags object
param workspaceId string
param emails string[]

@description('Resource ids of the system topics.')
param topicIds string[]

resource people 'Microsoft.Insights/actionGroups@2022-06-01' = if (!empty(emails)) {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'blob-purge'
    enabled: true
    emailReceivers: [
      for (address, index) in emails: {
        name: 'receiver-${index}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

// A query that gives a row is trouble: `every` so often it looks back over the `window`, and `ends` says whether an alert
// ends by itself. With `bySite` there is one alert for each value of the column `site`. The app tells of each hold once, and
// a hold lasts up to half an hour: a shorter window would end and begin the alert again and again.
var rules = [
  {
    name: 'no-heartbeat'
    title: 'The purge app gives no sign of life'
    query: loadTextContent('../queries/no-heartbeat.kql')
    bySite: false
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    ends: true
  }
  {
    name: 'credentials-refused'
    title: 'The CDN refuses the app\'s credentials'
    query: loadTextContent('../queries/credentials-refused.kql')
    bySite: true
    severity: 1
    every: 'PT5M'
    window: 'PT45M'
    ends: true
  }
  {
    name: 'sending-stopped'
    title: 'Nothing goes to an endpoint of the CDN'
    query: loadTextContent('../queries/sending-stopped.kql')
    bySite: true
    severity: 2
    every: 'PT5M'
    window: 'PT45M'
    ends: true
  }
  {
    name: 'queue-too-old'
    title: 'Changes wait too long for their purge'
    query: loadTextContent('../queries/queue-too-old.kql')
    bySite: false
    severity: 2
    every: 'PT5M'
    window: 'PT15M'
    ends: true
  }
  {
    name: 'poison-growing'
    title: 'Changes or requests were given up'
    query: loadTextContent('../queries/poison-growing.kql')
    bySite: true
    severity: 2
    every: 'PT5M'
    window: 'PT15M'
    ends: false
  }
  {
    name: 'events-undelivered'
    title: 'Event Grid could not deliver events'
    query: loadTextContent('../queries/events-undelivered.kql')
    bySite: false
    severity: 2
    every: 'PT5M'
    window: 'PT15M'
    ends: false
  }
  {
    name: 'purge-failures'
    title: 'More than a tenth of the purges fail'
    query: loadTextContent('../queries/purge-failures.kql')
    bySite: true
    severity: 2
    every: 'PT15M'
    window: 'PT30M'
    ends: true
  }
  {
    name: 'throttled'
    title: 'The CDN throttles the app'
    query: loadTextContent('../queries/throttled.kql')
    bySite: true
    severity: 3
    every: 'PT15M'
    window: 'PT30M'
    ends: true
  }
  {
    name: 'quota-forecast'
    title: 'The day\'s quota will not last'
    query: loadTextContent('../queries/quota-forecast.kql')
    bySite: false
    severity: 3
    every: 'PT15M'
    window: 'PT1H'
    ends: true
  }
  {
    name: 'quota-spent'
    title: 'The day\'s quota is spent'
    query: loadTextContent('../queries/quota-spent.kql')
    bySite: true
    severity: 2
    every: 'PT15M'
    window: 'PT30M'
    ends: true
  }
  {
    name: 'configuration-refused'
    title: 'A faulty configuration document was refused'
    query: loadTextContent('../queries/configuration-refused.kql')
    bySite: false
    severity: 3
    every: 'PT15M'
    window: 'PT30M'
    ends: true
  }
  {
    name: 'backlog-too-old'
    title: 'Something waits in the backlog for too long'
    query: loadTextContent('../queries/backlog-too-old.kql')
    bySite: true
    severity: 3
    every: 'PT15M'
    window: 'PT30M'
    ends: true
  }
  {
    name: 'container-silent'
    title: 'A container is silent for longer than usual'
    query: loadTextContent('../queries/container-silent.kql')
    bySite: true
    severity: 3
    every: 'PT15M'
    window: 'PT30M'
    ends: true
  }
  {
    name: 'purge-failed-for-good'
    title: 'The CDN accepted purges and failed with them'
    query: loadTextContent('../queries/purge-failed-for-good.kql')
    bySite: true
    severity: 2
    every: 'PT15M'
    window: 'PT30M'
    ends: false
  }
  {
    name: 'clock-off'
    title: 'The app\'s clock and the CDN\'s differ'
    query: loadTextContent('../queries/clock-off.kql')
    bySite: false
    severity: 3
    every: 'PT15M'
    window: 'PT30M'
    ends: true
  }
  {
    name: 'key-slot-changed'
    title: 'A key of the CDN is refused, and the other one is used'
    query: loadTextContent('../queries/key-slot-changed.kql')
    bySite: false
    severity: 3
    every: 'PT15M'
    window: 'PT30M'
    ends: false
  }
]

resource queryRules 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = [
  for rule in rules: {
    name: '${name}-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.title
      description: '${rule.title}. What to do: docs/runbook.md#${rule.name}'
      severity: rule.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: rule.every
      windowSize: rule.window
      autoMitigate: rule.ends
      // Or each row would be told of at every look, as long as the window has it.
      muteActionsDuration: rule.ends ? null : rule.window
      // The tables of a new workspace come with its first data.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            dimensions: rule.bySite ? [{ name: 'site', operator: 'Include', values: ['*'] }] : []
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: empty(emails) ? [] : [people.id]
      }
    }
  }
]

// Dropped is lost for good: no dead-letter container took it.
resource droppedEvents 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for (topicId, index) in topicIds: {
    name: '${name}-events-dropped-${index}'
    location: 'global'
    tags: tags
    properties: {
      description: 'Event Grid dropped events. What to do: docs/runbook.md#events-dropped'
      severity: 1
      enabled: true
      scopes: [topicId]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: false
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: 'dropped'
            metricName: 'DroppedEventCount'
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: 0
          }
        ]
      }
      actions: empty(emails) ? [] : [{ actionGroupId: people.id }]
    }
  }
]
