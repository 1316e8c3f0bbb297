/** AWS services that are not served here; requests to ours have none of their condition keys. */

/** Prefixes of their condition keys (Service Authorization Reference), and of identity providers' keys. */
const names = new Set(
  `a4b access-analyzer account acm acm-pca aoss apigateway appconfig application-autoscaling appmesh apprunner appsync aps
  artifact athena autoscaling aws-marketplace backup batch bedrock bedrock-agentcore billing budgets catalog chatbot cloud9
  cloudformation cloudfront cloudhsm cloudshell cloudtrail cloudwatch codeartifact codebuild codecommit codeconnections
  codedeploy codeguru codepipeline codestar-connections codestar-notifications cognito-sync config connect dataexchange
  datasync datazone dax deadline deepracer devops-guru dms drs ds dynamodb ebs ec2 ec2-instance-connect ecr ecr-public ecs
  eks elasticache elasticbeanstalk elasticfilesystem elasticloadbalancing elasticmapreduce emr-containers es events
  execute-api firehose fis fsx gamelift glacier globalaccelerator glue greengrass guardduty iam identitystore imagebuilder
  inspector2 invoicing iot iottwinmaker kafka kafka-cluster kinesis kms lakeformation lambda lex license-manager
  lightsail logs mediaconvert mgn mobiletargeting mq neptune-db network-firewall networkmanager nimble oam organizations
  partnercentral partnercentral-account-management pipes pi profile q qbusiness ram rds rds-data rds-db redshift
  redshift-data redshift-serverless resource-groups rolesanywhere route53 route53resolver s3 s3-object-lambda s3-outposts
  s3express s3tables sagemaker scheduler secretsmanager securityhub servicecatalog servicediscovery ses signer sms-voice sns
  sqs ssm ssmmessages sso states support swf synthetics tag timestream transfer verifiedpermissions vpc-lattice
  waf-regional wafv2 wellarchitected workspaces xray
  accounts.google.com graph.facebook.com saml www.amazon.com`.split(/\s+/),
);

/** Whether a condition key belongs to one of them. */
export function isKeyOfOthers(key: string): boolean {
  return names.has(key.split(":")[0]!.toLowerCase()) && key.includes(":");
}
