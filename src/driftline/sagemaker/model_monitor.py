"""Everything by the name that it has in the SageMaker SDK's module of this name."""

from driftline.sagemaker.alerts import (
    ModelDashboardIndicatorAction,
    MonitoringAlertActions,
    MonitoringAlertHistorySummary,
    MonitoringAlertSummary,
)
from driftline.sagemaker.capture import DataCaptureConfig
from driftline.sagemaker.clarify import BiasAnalysisConfig, ExplainabilityAnalysisConfig
from driftline.sagemaker.expressions import CronExpressionGenerator
from driftline.sagemaker.fairness import ModelBiasMonitor, ModelExplainabilityMonitor
from driftline.sagemaker.files import Constraints, ConstraintViolations, Statistics
from driftline.sagemaker.inputs import (
    BatchTransformInput,
    DatasetFormat,
    EndpointInput,
    MonitoringDatasetFormat,
    MonitoringOutput,
    NetworkConfig,
    ProcessingInput,
)
from driftline.sagemaker.jobs import BaseliningJob, MonitoringExecution
from driftline.sagemaker.monitor import ModelMonitor
from driftline.sagemaker.options import DataQualityDistributionConstraints, DataQualityMonitoringConfig
from driftline.sagemaker.quality import DefaultModelMonitor, ModelQualityMonitor

__all__ = [
    "BaseliningJob",
    "BatchTransformInput",
    "BiasAnalysisConfig",
    "ConstraintViolations",
    "Constraints",
    "CronExpressionGenerator",
    "DataCaptureConfig",
    "DataQualityDistributionConstraints",
    "DataQualityMonitoringConfig",
    "DatasetFormat",
    "DefaultModelMonitor",
    "EndpointInput",
    "ExplainabilityAnalysisConfig",
    "ModelBiasMonitor",
    "ModelDashboardIndicatorAction",
    "ModelExplainabilityMonitor",
    "ModelMonitor",
    "ModelQualityMonitor",
    "MonitoringAlertActions",
    "MonitoringAlertHistorySummary",
    "MonitoringAlertSummary",
    "MonitoringDatasetFormat",
    "MonitoringExecution",
    "MonitoringOutput",
    "NetworkConfig",
    "ProcessingInput",
    "Statistics",
]
