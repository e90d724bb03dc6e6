// The workbook: what the app did, tile by tile. Each tile's query is a file of its own under queries/workbook/.
param location string
param tags object
param workspaceId string

@description('Shown in the list of workbooks.')
param title string

@description('In which tables show times at first: a name of the IANA list.')
param timeZone string

var tiles = [
  {
    name: 'waiting'
    title: 'From the change to the CDN\'s acceptance, in seconds'
    visualization: 'timechart'
    query: loadTextContent('../queries/workbook/waiting.kql')
  }
  {
    name: 'completion'
    title: 'From the acceptance to the end of the CDN\'s task, in seconds'
    visualization: 'timechart'
    query: loadTextContent('../queries/workbook/completion.kql')
  }
  {
    name: 'sites'
    title: 'Site by site, in seconds'
    visualization: 'table'
    query: loadTextContent('../queries/workbook/sites.kql')
  }
  {
    name: 'depth'
    title: 'What waits'
    visualization: 'timechart'
    query: loadTextContent('../queries/workbook/depth.kql')
  }
  {
    name: 'ages'
    title: 'How long the oldest waits, in minutes'
    visualization: 'timechart'
    query: loadTextContent('../queries/workbook/ages.kql')
  }
  {
    name: 'quota'
    title: 'The day\'s quota, with forecast'
    visualization: 'timechart'
    query: loadTextContent('../queries/workbook/quota.kql')
  }
  {
    name: 'outcomes'
    title: 'Outcomes of attempts'
    visualization: 'barchart'
    query: loadTextContent('../queries/workbook/outcomes.kql')
  }
  {
    name: 'failures'
    title: 'Failures'
    visualization: 'table'
    query: loadTextContent('../queries/workbook/failures.kql')
  }
  {
    name: 'ends'
    title: 'Ends of the CDN\'s tasks'
    visualization: 'table'
    query: loadTextContent('../queries/workbook/ends.kql')
  }
  {
    name: 'units'
    title: 'Files and directories purged'
    visualization: 'barchart'
    query: loadTextContent('../queries/workbook/units.kql')
  }
  {
    name: 'throttling'
    title: 'Throttling and spent quota'
    visualization: 'barchart'
    query: loadTextContent('../queries/workbook/throttling.kql')
  }
  {
    name: 'coalescing'
    title: 'What coalescing saves'
    visualization: 'table'
    query: loadTextContent('../queries/workbook/coalescing.kql')
  }
  {
    name: 'manual'
    title: 'Purges by hand'
    visualization: 'table'
    query: loadTextContent('../queries/workbook/manual.kql')
  }
  {
    name: 'intake'
    title: 'What did not come through'
    visualization: 'table'
    query: loadTextContent('../queries/workbook/intake.kql')
  }
  {
    name: 'incidents'
    title: 'Keys, clocks, configuration, endpoints at rest'
    visualization: 'table'
    query: loadTextContent('../queries/workbook/incidents.kql')
  }
  {
    name: 'silences'
    title: 'Containers that are silent for longer than usual'
    visualization: 'table'
    query: loadTextContent('../queries/workbook/silences.kql')
  }
  {
    name: 'heartbeats'
    title: 'Where the heartbeat was missing'
    visualization: 'table'
    query: loadTextContent('../queries/workbook/heartbeats.kql')
  }
  {
    name: 'trace'
    title: 'The way of a change or purge: fill in Search above'
    visualization: 'table'
    query: loadTextContent('../queries/workbook/trace-of-a-change.kql')
  }
]

var choices = {
  type: 9
  name: 'choices'
  content: {
    version: 'KqlParameterItem/1.0'
    parameters: [
      {
        id: guid(workspaceId, 'time')
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        type: 4
        isRequired: true
        value: {
          durationMs: 86400000
        }
        typeSettings: {
          allowCustom: true
          selectableValues: [
            { durationMs: 3600000 }
            { durationMs: 86400000 }
            { durationMs: 604800000 }
            { durationMs: 2592000000 }
          ]
        }
      }
      {
        id: guid(workspaceId, 'zone')
        version: 'KqlParameterItem/1.0'
        name: 'TimeZone'
        label: 'Time zone'
        type: 1
        isRequired: true
        value: timeZone
      }
      {
        id: guid(workspaceId, 'search')
        version: 'KqlParameterItem/1.0'
        name: 'Search'
        type: 1
        value: ''
      }
    ]
    queryType: 0
    resourceType: 'microsoft.operationalinsights/workspaces'
  }
}

var tileItems = [
  for tile in tiles: {
    type: 3
    name: tile.name
    content: {
      version: 'KqlItem/1.0'
      query: tile.query
      size: 0
      title: tile.title
      timeContextFromParameter: 'TimeRange'
      queryType: 0
      resourceType: 'microsoft.operationalinsights/workspaces'
      crossComponentResources: [workspaceId]
      visualization: tile.visualization
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2022-04-01' = {
  name: guid(resourceGroup().id, 'blob-cdn-purge')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: title
    category: 'workbook'
    version: 'Notebook/1.0'
    sourceId: workspaceId
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([choices], tileItems)
      fallbackResourceIds: [workspaceId]
    })
  }
}
