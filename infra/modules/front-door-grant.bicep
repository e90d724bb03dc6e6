// Lets the app purge one Front Door profile, and read in its resource group how purges ended.
param profileName string
param appPrincipalId string
param purgeRoleId string
param pollRoleId string

resource profile 'Microsoft.Cdn/profiles@2023-05-01' existing = {
  name: profileName
}

resource purging 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(profile.id, appPrincipalId, purgeRoleId)
  scope: profile
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: purgeRoleId
  }
}

resource polling 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, appPrincipalId, pollRoleId)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: pollRoleId
  }
}
