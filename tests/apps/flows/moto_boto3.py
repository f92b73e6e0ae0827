"""moto, a server that answers as a cloud does: S3 in parts, SQS, DynamoDB, EC2, IAM. Client: boto3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
from common import TAG, check, main


def clients(base: str, session: str = "") -> Any:
    def make(service: str) -> Any:
        made = boto3.client(
            service,
            endpoint_url=base,
            region_name="eu-west-1",
            aws_access_key_id="ann",
            aws_secret_access_key="lovelace",
        )
        if session:
            made.meta.events.register(
                "before-send", lambda request, **_: request.headers.update({"Gateway-Session": session})
            )
        return made

    return make


def seed(base: str) -> None:
    make = clients(base)
    make("s3").create_bucket(Bucket="own", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    make("s3").put_object(Bucket="own", Key="keep", Body=b"own")
    make("ec2").create_vpc(CidrBlock="10.9.0.0/16")
    make("sqs").create_queue(QueueName="own")


def flow(base: str, session: str) -> None:
    make = clients(base, session)
    s3 = make("s3")
    s3.create_bucket(Bucket=f"films-{TAG}", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    upload = s3.create_multipart_upload(Bucket=f"films-{TAG}", Key="a/long film.mp4")["UploadId"]
    part = s3.upload_part(Bucket=f"films-{TAG}", Key="a/long film.mp4", UploadId=upload, PartNumber=1, Body=b"A" * 100)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=f"films-{TAG}", Key="a/long film.mp4", UploadId=upload, MultipartUpload=parts)
    check(s3.head_object(Bucket=f"films-{TAG}", Key="a/long film.mp4")["ContentLength"] == 100, "a hundred bytes")
    sqs = make("sqs")
    queue = sqs.create_queue(QueueName=f"jobs-{TAG}")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="work")
    sqs.send_message(QueueUrl=queue, MessageBody="rest")
    message = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1)["Messages"][0]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    ec2 = make("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName=f"web-{TAG}", Description="web", VpcId=vpc)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    ec2.create_tags(Resources=[vpc, subnet], Tags=[{"Key": "team", "Value": "books"}])
    ec2.delete_subnet(SubnetId=subnet)
    iam = make("iam")
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = iam.create_policy(
        PolicyName=f"read-{TAG}", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement})
    )
    role = iam.create_role(RoleName=f"reader-{TAG}", AssumeRolePolicyDocument="{}")["Role"]
    iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn=policy["Policy"]["Arn"])
    table = make("dynamodb")
    table.create_table(
        TableName=f"books-{TAG}", KeySchema=[{"AttributeName": "isbn", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "isbn", "AttributeType": "S"}],
    )  # fmt: skip
    table.put_item(TableName=f"books-{TAG}", Item={"isbn": {"S": "978-3"}, "title": {"S": "Zauberberg"}})
    check("Item" in table.get_item(TableName=f"books-{TAG}", Key={"isbn": {"S": "978-3"}}), "the book")


def state(base: str) -> Iterator[str]:
    make = clients(base)
    s3, ec2, iam = make("s3"), make("ec2"), make("iam")
    for bucket in s3.list_buckets()["Buckets"]:
        for one in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
            yield f"object {bucket['Name']}/{one['Key']} {one['Size']}"
    sqs = make("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        count = int(left["ApproximateNumberOfMessages"]) + int(left["ApproximateNumberOfMessagesNotVisible"])
        yield f"queue {url.rpartition('/')[2]} {count} messages"
    vpcs = {one["VpcId"]: one for one in ec2.describe_vpcs()["Vpcs"]}
    for one in vpcs.values():
        yield f"vpc {one['CidrBlock']} {one.get('Tags', [])}"
    yield from (
        f"subnet {one['CidrBlock']} of {vpcs[one['VpcId']]['CidrBlock']}" for one in ec2.describe_subnets()["Subnets"]
    )
    for one in ec2.describe_security_groups()["SecurityGroups"]:
        ports = [rule.get("FromPort") for rule in one["IpPermissions"]]
        yield f"group {one['GroupName']} of {vpcs[one['VpcId']]['CidrBlock']} {ports}"
    for role in iam.list_roles()["Roles"]:
        names = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
        yield f"role {role['RoleName']} {[one['PolicyName'] for one in names]}"
    for name in make("dynamodb").list_tables()["TableNames"]:
        yield f"table {name} {make('dynamodb').scan(TableName=name)['Items']}"


main(seed, flow, state)
