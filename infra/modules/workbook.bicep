// The workbook: what the app did, tile by tile. Each tile's query is a file of its own under queries/workbook/.
param location string
param tags object
param workspaceId string

@description('Shown in the list of workbooks.')
param title string

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
]

var timeRange = {
  type: 9
  name: 'time'
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
      items: concat([timeRange], tileItems)
      fallbackResourceIds: [workspaceId]
    })
  }
}
