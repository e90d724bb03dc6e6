// Where the events of a storage account come from: its system topic, a new one or the one that it has. Stands in the
// resource group of the account, as Azure's portal would place it.
param accountId string
param location string
param newTopicName string

@description('Empty: a new one is made.')
param existingTopic string

var found = !empty(existingTopic)

resource made 'Microsoft.EventGrid/systemTopics@2022-06-15' = if (!found) {
  name: newTopicName
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: accountId
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

resource there 'Microsoft.EventGrid/systemTopics@2022-06-15' existing = if (found) {
  name: found ? existingTopic : 'none'
}

output name string = found ? existingTopic : newTopicName
output principalId string = found ? there!.identity.principalId : made!.identity.principalId
