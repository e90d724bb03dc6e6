// All that the app needs in Azure, global or China: the resource group and what stands in it, the events of the
// storage accounts that are served, and the rights on the CDN. README.md says in which order it is deployed.
targetScope = 'subscription'

@description('A storage account whose blobs are served.')
type watchedAccount = {
  @description('Its resource id. It may stand in another resource group or subscription.')
  id: string
  @description('Its region.')
  location: string
  @description('Containers that the configuration document names; one event subscription is made for each.')
  containers: string[]
  @description('Name of its system topic, if it has one already: Azure allows one for each account. It must stand in the resource group of the account and have a system-assigned identity.')
  existingTopic: string?
}

@description('Names the deployment: letters, digits and hyphens. The resource group is named after it.')
@minLength(3)
@maxLength(32)
param environmentName string

@description('Region of the resource group and of all that stands in it.')
param location string

@description('Where the app runs. Windows Consumption and Premium keep their files in Azure Files, which needs the key of the host storage account.')
@allowed(['flex', 'premium', 'windowsConsumption'])
param hostingPlan string = 'flex'

@description('Major version of Node.')
@allowed(['22', '24'])
param nodeVersion string = '24'

@description('Memory of an instance, on Flex Consumption only.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Redundancy of both storage accounts.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS'])
param storageSku string = 'Standard_LRS'

@description('The storage accounts whose blobs are served.')
param watchedAccounts watchedAccount[] = []

@description('Whether the event subscriptions are made. Not at first: Event Grid accepts only a function that is there already.')
param linkEvents bool = false

@description('Where events go: to the function, or straight to the buffer queue.')
@allowed(['function', 'queue'])
param eventDelivery string = 'function'

@description('Whether the app may list the watched accounts, for the planner of the configuration document.')
param readWatchedAccounts bool = false

@description('Whether there is a key vault with two slots for API keys. Only the Azure China CDN needs it.')
param keyVault bool = false

@description('Whether the four secrets of the two slots are made, without a key in them. At the first deployment only: later it would put empty ones over the keys.')
param createKeySlots bool = false

@description('Resource ids of the Front Door profiles that the app may purge.')
param frontDoorProfiles string[] = []

@description('Behind the names of the custom roles for Front Door. A role\'s name may be used once in a tenant, so a second subscription of the same tenant needs one.')
param roleNameSuffix string = ''

@description('Client id of the app registration whose callers may use the HTTP functions. Empty: the function key is enough.')
param entraClientId string = ''

@description('App role that such a caller needs.')
param requiredRole string = 'Purge'

@description('Who issues their tokens.')
param entraIssuer string = '${environment().authentication.loginEndpoint}${subscription().tenantId}/v2.0'

@description('For so many days records are kept.')
@minValue(1)
@maxValue(3650)
param recordsDays int = 30

@description('App settings beside those that are made here, by name. They win. No secrets: deployments keep their parameters for all to read who may read the resource group.')
param extraSettings object = {}

@description('Object id of who may upload the configuration and write the keys; azd gives that of whoever runs it. Empty: nobody.')
param operatorId string = ''

@description('What the operator is.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param operatorType string = 'User'

@description('Addresses that alerts are mailed to.')
param alertEmails string[] = []

@description('Whether alert rules are made.')
param alerts bool = true

@description('Whether a workbook is made.')
param workbook bool = true

@description('In which log lines and the workbook\'s tables show times: a name of the IANA list, as Asia/Shanghai.')
param timeZone string = 'UTC'

@description('For so many days telemetry is kept.')
@minValue(30)
@maxValue(730)
param telemetryDays int = 90

@description('Name of the function app. Empty: one is made up.')
param functionAppName string = ''

@description('Tags of everything.')
param tags object = {}

var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, { 'azd-env-name': environmentName })
var appName = empty(functionAppName) ? 'func-purge-${token}' : functionAppName
var withContentShare = hostingPlan != 'flex'
var frontDoor = !empty(frontDoorProfiles)

resource group 'Microsoft.Resources/resourceGroups@2022-09-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-purge-${token}'
    location: location
    tags: allTags
  }
}

module hostStorage 'modules/host-storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: {
    name: 'sthost${token}'
    location: location
    tags: allTags
    sku: storageSku
    allowSharedKey: withContentShare
  }
}

module dataStorage 'modules/data-storage.bicep' = {
  name: 'data-storage'
  scope: group
  params: {
    name: 'stpurge${token}'
    location: location
    tags: allTags
    sku: storageSku
    recordsDays: recordsDays
  }
}

module vault 'modules/key-vault.bicep' = if (keyVault) {
  name: 'key-vault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: allTags
    createSlots: createKeySlots
  }
}

module telemetry 'modules/telemetry.bicep' = {
  name: 'telemetry'
  scope: group
  params: {
    workspaceName: 'log-purge-${token}'
    componentName: 'appi-purge-${token}'
    location: location
    tags: allTags
    retentionDays: telemetryDays
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    hostStorageName: hostStorage.outputs.name
    dataStorageName: dataStorage.outputs.name
    queues: [dataStorage.outputs.bufferQueue, dataStorage.outputs.poisonQueue]
    containers: [
      dataStorage.outputs.recordsContainer
      dataStorage.outputs.deadLetterContainer
      dataStorage.outputs.configurationContainer
    ]
    configurationContainer: dataStorage.outputs.configurationContainer
    vaultName: keyVault ? vault!.outputs.name : ''
    appPrincipalId: identity.outputs.principalId
    operatorId: operatorId
    operatorType: operatorType
  }
}

var settings = {
  AzureWebJobsStorage__blobServiceUri: hostStorage.outputs.blobEndpoint
  AzureWebJobsStorage__queueServiceUri: hostStorage.outputs.queueEndpoint
  AzureWebJobsStorage__tableServiceUri: hostStorage.outputs.tableEndpoint
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.outputs.clientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: telemetry.outputs.connectionString
  PURGE_STORAGE__blobServiceUri: dataStorage.outputs.blobEndpoint
  PURGE_STORAGE__queueServiceUri: dataStorage.outputs.queueEndpoint
  PURGE_STORAGE__clientId: identity.outputs.clientId
  PURGE_CONFIG_BLOB: '${dataStorage.outputs.configurationContainer}/purge.config.json'
  PURGE_QUEUE: dataStorage.outputs.bufferQueue
  PURGE_RECORDS_CONTAINER: dataStorage.outputs.recordsContainer
  PURGE_RECORDS_DAYS: string(recordsDays)
  PURGE_DEAD_LETTER_CONTAINER: dataStorage.outputs.deadLetterContainer
  PURGE_TIME_ZONE: timeZone
}

// Unversioned, so that a new version of a key counts without a deployment.
var vaultUri = keyVault ? vault!.outputs.uri : ''
var keySettings = keyVault
  ? {
      CDN_KEY_ID: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/cdn-key-first-id)'
      CDN_KEY_VALUE: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/cdn-key-first-value)'
      CDN_KEY_SECOND_ID: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/cdn-key-second-id)'
      CDN_KEY_SECOND_VALUE: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/cdn-key-second-value)'
    }
  : {}

var inventoryUris = toObject(
  readWatchedAccounts ? watchedAccounts : [],
  account => 'PURGE_INVENTORY_STORAGE_${toUpper(last(split(account.id, '/')))}__blobServiceUri',
  account => 'https://${last(split(account.id, '/'))}.blob.${environment().suffixes.storage}/'
)
var inventoryClients = toObject(
  readWatchedAccounts ? watchedAccounts : [],
  account => 'PURGE_INVENTORY_STORAGE_${toUpper(last(split(account.id, '/')))}__clientId',
  account => identity.outputs.clientId
)

var authSettings = empty(entraClientId) ? {} : { PURGE_HTTP_REQUIRED_ROLE: requiredRole }

var appSettings = union(settings, keySettings, authSettings, inventoryUris, inventoryClients, extraSettings)

module flexApp 'modules/function-app-flex.bicep' = if (hostingPlan == 'flex') {
  name: 'function-app-flex'
  scope: group
  params: {
    name: appName
    planName: 'plan-purge-${token}'
    location: location
    tags: union(allTags, { 'azd-service-name': 'purge' })
    identityId: identity.outputs.id
    packageContainerUrl: '${hostStorage.outputs.blobEndpoint}${hostStorage.outputs.packageContainer}'
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    settings: appSettings
  }
  dependsOn: [roles]
}

module classicApp 'modules/function-app-classic.bicep' = if (hostingPlan != 'flex') {
  name: 'function-app-classic'
  scope: group
  params: {
    name: appName
    planName: 'plan-purge-${token}'
    location: location
    tags: union(allTags, { 'azd-service-name': 'purge' })
    identityId: identity.outputs.id
    hostStorageName: hostStorage.outputs.name
    plan: hostingPlan
    nodeVersion: nodeVersion
    settings: appSettings
  }
  dependsOn: [roles]
}

module auth 'modules/auth.bicep' = if (!empty(entraClientId)) {
  name: 'auth'
  scope: group
  params: {
    siteName: appName
    clientId: entraClientId
    issuer: entraIssuer
  }
  dependsOn: [flexApp, classicApp]
}

var topicIds = map(
  watchedAccounts,
  account =>
    '${join(take(split(account.id, '/'), 5), '/')}/providers/Microsoft.EventGrid/systemTopics/${account.?existingTopic ?? 'evgt-purge-${last(split(account.id, '/'))}'}'
)

module topics 'modules/system-topic.bicep' = [
  for (account, index) in watchedAccounts: {
    name: 'purge-topic-${index}-${token}'
    scope: resourceGroup(split(account.id, '/')[2], split(account.id, '/')[4])
    params: {
      accountId: account.id
      location: account.location
      existingTopic: account.?existingTopic ?? ''
      newTopicName: 'evgt-purge-${last(split(account.id, '/'))}'
    }
  }
]

module topicRoles 'modules/topic-roles.bicep' = [
  for (account, index) in watchedAccounts: {
    name: 'topic-roles-${index}'
    scope: group
    params: {
      dataStorageName: dataStorage.outputs.name
      topicPrincipalId: topics[index].outputs.principalId
      deadLetterContainer: dataStorage.outputs.deadLetterContainer
      bufferQueue: dataStorage.outputs.bufferQueue
      toQueue: eventDelivery == 'queue'
    }
  }
]

module subscriptions 'modules/event-subscriptions.bicep' = [
  for (account, index) in watchedAccounts: if (linkEvents) {
    name: 'purge-events-${index}-${token}'
    scope: resourceGroup(split(account.id, '/')[2], split(account.id, '/')[4])
    params: {
      topicName: topics[index].outputs.name
      containers: account.containers
      delivery: eventDelivery
      functionId: '${hostingPlan == 'flex' ? flexApp!.outputs.id : classicApp!.outputs.id}/functions/on-blob-changed'
      dataStorageId: dataStorage.outputs.id
      bufferQueue: dataStorage.outputs.bufferQueue
      deadLetterContainer: dataStorage.outputs.deadLetterContainer
    }
    dependsOn: [topicRoles]
  }
]

module readers 'modules/watched-account-role.bicep' = [
  for (account, index) in watchedAccounts: if (readWatchedAccounts) {
    name: 'purge-reader-${index}-${token}'
    scope: resourceGroup(split(account.id, '/')[2], split(account.id, '/')[4])
    params: {
      accountName: last(split(account.id, '/'))
      containers: account.containers
      appPrincipalId: identity.outputs.principalId
    }
  }
]

module purgeRoles 'modules/front-door-roles.bicep' = if (frontDoor) {
  name: 'front-door-roles-${token}'
  params: {
    nameSuffix: empty(roleNameSuffix) ? '' : ' ${roleNameSuffix}'
    assignableScopes: union(
      [subscription().id],
      map(frontDoorProfiles, profile => '/subscriptions/${split(profile, '/')[2]}')
    )
  }
}

module purgeGrants 'modules/front-door-grant.bicep' = [
  for (profile, index) in frontDoorProfiles: {
    name: 'purge-grant-${index}-${token}'
    scope: resourceGroup(split(profile, '/')[2], split(profile, '/')[4])
    params: {
      profileName: last(split(profile, '/'))
      appPrincipalId: identity.outputs.principalId
      purgeRoleId: purgeRoles!.outputs.purgeRoleId
      pollRoleId: purgeRoles!.outputs.pollRoleId
    }
  }
]

module monitoring 'modules/monitoring.bicep' = if (alerts) {
  name: 'monitoring'
  scope: group
  params: {
    name: 'purge-${token}'
    location: location
    tags: allTags
    workspaceId: telemetry.outputs.workspaceId
    emails: alertEmails
    topicIds: topicIds
  }
  dependsOn: [topics]
}

module workbookModule 'modules/workbook.bicep' = if (workbook) {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: allTags
    workspaceId: telemetry.outputs.workspaceId
    title: 'CDN purges of ${environmentName}'
    timeZone: timeZone
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_LOCATION string = location
output PURGE_APP_NAME string = appName
output PURGE_APP_HOST string = hostingPlan == 'flex' ? flexApp!.outputs.host : classicApp!.outputs.host
output PURGE_STORAGE_NAME string = dataStorage.outputs.name
output PURGE_CONFIG_CONTAINER string = dataStorage.outputs.configurationContainer
output PURGE_VAULT_NAME string = keyVault ? vault!.outputs.name : ''
output PURGE_IDENTITY_CLIENT_ID string = identity.outputs.clientId
