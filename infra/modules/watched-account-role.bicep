// Lets the app list the containers that are served, to know what a directory purge would evict.
param accountName string
param containers string[]
param appPrincipalId string

var blobReader = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: accountName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' existing = {
  parent: account
  name: 'default'
}

resource served 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' existing = [
  for container in containers: {
    parent: blobs
    name: container
  }
]

resource readerRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (container, index) in containers: {
    name: guid(account.id, container, appPrincipalId, blobReader)
    scope: served[index]
    properties: {
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobReader)
    }
  }
]
